//! The equations of slides 37 to 39 as loops. Indices start at 0; i is the row and j the column.

use netwright::Tensor;

/// The weights of a convolution, indexed as kernel[i][j][f][f′].
pub(crate) type Kernel<const H: usize, const W: usize, const C: usize, const F: usize> = [[[[f64; F]; C]; W]; H];

/// Computes z[i′,j′,f′] = b[f′] + Σᵢ Σⱼ Σ_f a[i′+i, j′+j, f] w[i,j,f,f′] (slide 37)
pub(crate) fn convolve<
    const H: usize,
    const W: usize,
    const C: usize,
    const KH: usize,
    const KW: usize,
    const F: usize,
    const OH: usize,
    const OW: usize,
>(
    a: &Tensor<H, W, C, f64>,
    w: &Kernel<KH, KW, C, F>,
    b: &[f64; F],
) -> Tensor<OH, OW, F, f64> {
    Tensor::from_fn(|i_out, j_out, filter| {
        let mut z = b[filter];
        for i in 0..KH {
            for j in 0..KW {
                for f in 0..C {
                    z += a[[i_out + i, j_out + j, f]] * w[i][j][f][filter];
                }
            }
        }
        z
    })
}

/// Computes ∂ℓ/∂w[i,j,f,f′] = Σ_{i′,j′} ∂ℓ/∂z[i′,j′,f′] a[i′+i, j′+j, f], because ∂z[i′,j′,f′]/∂w[i,j,f,f′] = a[i′+i, j′+j, f] (slide 38)
pub(crate) fn kernel_gradient<
    const H: usize,
    const W: usize,
    const C: usize,
    const KH: usize,
    const KW: usize,
    const F: usize,
    const OH: usize,
    const OW: usize,
>(
    a: &Tensor<H, W, C, f64>,
    dz: &Tensor<OH, OW, F, f64>,
) -> Kernel<KH, KW, C, F> {
    let mut dw = [[[[0.0; F]; C]; KW]; KH];
    for (i, row) in dw.iter_mut().enumerate() {
        for (j, tap) in row.iter_mut().enumerate() {
            for (f, channel) in tap.iter_mut().enumerate() {
                for (filter, dw) in channel.iter_mut().enumerate() {
                    for i_out in 0..OH {
                        for j_out in 0..OW {
                            *dw += dz[[i_out, j_out, filter]] * a[[i_out + i, j_out + j, f]];
                        }
                    }
                }
            }
        }
    }
    dw
}

/// Computes ∂ℓ/∂b[f′] = Σ_{i′,j′} ∂ℓ/∂z[i′,j′,f′], because ∂z/∂b = 1
pub(crate) fn bias_gradient<const OH: usize, const OW: usize, const F: usize>(dz: &Tensor<OH, OW, F, f64>) -> [f64; F] {
    std::array::from_fn(|filter| (0..OH * OW).map(|position| dz[[position / OW, position % OW, filter]]).sum())
}

/// Computes ∂ℓ/∂a[i,j,f] = Σ_{i′,j′,f′} ∂ℓ/∂z[i′,j′,f′] w[i−i′, j−j′, f, f′] over the outputs (i′, j′) whose window covers (i, j) (slide 38)
pub(crate) fn input_gradient<
    const H: usize,
    const W: usize,
    const C: usize,
    const KH: usize,
    const KW: usize,
    const F: usize,
    const OH: usize,
    const OW: usize,
>(
    dz: &Tensor<OH, OW, F, f64>,
    w: &Kernel<KH, KW, C, F>,
) -> Tensor<H, W, C, f64> {
    Tensor::from_fn(|i, j, f| {
        let mut da = 0.0;
        for i_out in (0..OH).filter(|&i_out| i_out <= i && i - i_out < KH) {
            for j_out in (0..OW).filter(|&j_out| j_out <= j && j - j_out < KW) {
                for filter in 0..F {
                    da += dz[[i_out, j_out, filter]] * w[i - i_out][j - j_out][f][filter];
                }
            }
        }
        da
    })
}

/// Returns the position of the maximum in Ω(i′, j′), the 2x2 window that starts at (2i′, 2j′).
fn largest<const H: usize, const W: usize, const C: usize>(
    a: &Tensor<H, W, C, f64>,
    [i_out, j_out]: [usize; 2],
    f: usize,
) -> [usize; 2] {
    let mut best = [2 * i_out, 2 * j_out];
    for [i, j] in [[0, 1], [1, 0], [1, 1]].map(|[i, j]| [2 * i_out + i, 2 * j_out + j]) {
        if a[[i, j, f]] > a[[best[0], best[1], f]] {
            best = [i, j];
        }
    }
    best
}

/// Computes s[i′,j′] = max a[i,j] over (i, j) in Ω(i′, j′) (slide 39)
pub(crate) fn pool<const H: usize, const W: usize, const C: usize, const OH: usize, const OW: usize>(
    a: &Tensor<H, W, C, f64>,
) -> Tensor<OH, OW, C, f64> {
    Tensor::from_fn(|i_out, j_out, f| {
        let [i, j] = largest(a, [i_out, j_out], f);
        a[[i, j, f]]
    })
}

/// Computes the gradient of max pooling: ∂s[i′,j′]/∂a[i,j] = 1 where (i, j) is the position of the maximum of Ω(i′, j′), else 0 (slide 39)
pub(crate) fn max_pool_gradient<const H: usize, const W: usize, const C: usize, const OH: usize, const OW: usize>(
    a: &Tensor<H, W, C, f64>,
    ds: &Tensor<OH, OW, C, f64>,
) -> Tensor<H, W, C, f64> {
    let mut da = Tensor::zeros();
    for i_out in 0..OH {
        for j_out in 0..OW {
            for f in 0..C {
                let [i, j] = largest(a, [i_out, j_out], f);
                da[[i, j, f]] += ds[[i_out, j_out, f]];
            }
        }
    }
    da
}
