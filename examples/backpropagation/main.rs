//! Back-propagation through convolutions and max pooling, three times (slides 36 to 39): by the slides' equations as loops, by
//! finite differences, and by the passes that `network!` writes.
//!
//! ∂z[i′,j′,f′]/∂w[i,j,f,f′] = a[i′+i, j′+j, f]; ∂ℓ/∂a[i,j,f] = Σ ∂ℓ/∂z[i′,j′,f′] w[i−i′, j−j′, f, f′]; ∂ℓ/∂z = f′(z) ∂ℓ/∂a; and
//! ∂s/∂a is 1 for the largest number of a window and 0 for the others.
//!
//! Look at the last two columns: equations and library agree to the last digits, finite differences as far as they can.
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
    /// What weights and image are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<(), netwright::Error> {
    let found = gradients::compare(Arguments::parse().seed)?;
    println!("forward (slide 37): the answers differ by at most {:.1e}\n", found.forward);
    println!("                           the largest number of each           largest distance from the library");
    println!("gradient of      numbers   by hand   differences    library     by hand    differences");
    for slopes in &found.slopes {
        let [by_hand, by_differences] = slopes.distances();
        let largest = slopes.largest();
        println!(
            "{:<15} {:>8} {:>9.6} {:>13.6} {:>10.6}   {by_hand:>9.1e}   {by_differences:>12.1e}",
            slopes.what,
            slopes.by_library.len(),
            slopes.by_hand[largest],
            slopes.by_differences[largest],
            slopes.by_library[largest],
        );
    }

    println!("\nfilter 0 before the pool, in windows of 2x2      ∂s/∂a: 1 for the largest of each window");
    for i in 0..4 {
        let row = |number: &dyn Fn(usize) -> String| (0..4).map(number).collect::<Vec<_>>().join("  ");
        let before = row(&|j| format!("{:7.4}", found.pool.before[[i, j, 0]]));
        let slope = row(&|j| format!("{:2}", found.pool.slope[[i, j, 0]]));
        println!("{before}                {slope}");
    }
    Ok(())
}
