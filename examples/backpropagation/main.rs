//! Back-propagation through convolutions and max pooling in three ways (slides 36 to 39): by the slides' equations as loops, by
//! finite differences, and by the passes that `network!` generates.
//!
//! ∂z[i′,j′,f′]/∂w[i,j,f,f′] = a[i′+i, j′+j, f]; ∂ℓ/∂a[i,j,f] = Σ ∂ℓ/∂z[i′,j′,f′] w[i−i′, j−j′, f, f′]; ∂ℓ/∂z = f′(z) ∂ℓ/∂a; and
//! ∂s/∂a is 1 for the maximum of a window and 0 for the other elements.
//!
//! The example prints a line for each tensor: the largest element of its gradient by each method, and the largest difference from the library.
//! The equations agree with the library to the last digits, finite differences up to their own error. Below the table are the values in front
//! of the pool and the pool's gradient.
//!
//! ```text
//! cargo run --release --example backpropagation
//! ```

mod by_hand;
mod gradients;

use clap::Parser;

/// Computes the gradient of a small convolutional network in three ways.
#[derive(Debug, Parser)]
struct Arguments {
    /// The seed of the weights and the image.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<(), netwright::Error> {
    let found = gradients::compare(Arguments::parse().seed)?;
    println!("forward (slide 37): the answers differ by at most {:.1e}\n", found.forward);
    println!("                           the largest number of each           largest distance from the library");
    println!("gradient of      numbers   by hand   differences    library     by hand    differences");
    for gradient in &found.gradients {
        let [by_hand, by_differences] = gradient.distances();
        let largest = gradient.largest();
        println!(
            "{:<15} {:>8} {:>9.6} {:>13.6} {:>10.6}   {by_hand:>9.1e}   {by_differences:>12.1e}",
            gradient.what,
            gradient.by_library.len(),
            gradient.by_hand[largest],
            gradient.by_differences[largest],
            gradient.by_library[largest],
        );
    }

    println!("\nfilter 0 before the pool, in windows of 2x2      ∂s/∂a: 1 for the largest of each window");
    for i in 0..4 {
        let row = |number: &dyn Fn(usize) -> String| (0..4).map(number).collect::<Vec<_>>().join("  ");
        let before = row(&|j| format!("{:7.4}", found.pool.before[[i, j, 0]]));
        let gradient = row(&|j| format!("{:2}", found.pool.gradient[[i, j, 0]]));
        println!("{before}                {gradient}");
    }
    Ok(())
}
