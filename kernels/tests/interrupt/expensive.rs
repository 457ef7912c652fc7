//! Filters with the parameters that take longest, and images of noise.

use std::collections::BTreeMap;

use ocelli_kernels::{Catalog, Chain, Image, PixelFormat, Pool, Size};

use PixelFormat::{Gray8, I420, Nv12, Rgb8, Rgba8};

/// Filters in the text form of a chain, with the parameters that take longest.
pub(crate) const EXPENSIVE: &[(PixelFormat, &str)] = &[
    (Gray8, "adaptive_threshold method=gaussian block_size=101"),
    (Gray8, "adaptive_threshold block_size=101"),
    (Rgba8, "brightness_contrast brightness=10"),
    (Rgba8, "clahe tiles_x=64 tiles_y=64"),
    (Gray8, "clahe tiles_x=1 tiles_y=1"),
    (Rgb8, "color_convert from=rgb to=lab"),
    (Rgb8, "color_convert from=lab to=nv12"),
    (Nv12, "color_convert to=lab"),
    (I420, "color_convert to=nv12"),
    (Rgba8, "color_matrix matrix=0.3,0.3,0.3,0,0.3,0.3,0.3,0,0.3,0.3,0.3,1"),
    (Rgba8, "equalize"),
    (Rgba8, "gamma gamma=2.2"),
    (I420, "grayscale algorithm=lightness"),
    (Rgba8, "invert"),
    (Rgba8, "lut"),
    (Rgba8, "saturation_hue hue=77"),
    (Rgba8, "sepia"),
    (Gray8, "threshold method=otsu"),
    (Rgba8, "white_balance"),
    (Gray8, "bilateral diameter=51"),
    (Rgba8, "bilateral diameter=51 border_mode=wrap"),
    (Gray8, "bilateral diameter=13"),
    (Rgba8, "blur kernel_size=255 sigma=60"),
    (Rgba8, "blur kernel_size=31 separable=false"),
    (Rgba8, "box_blur kernel_size=255"),
    (Rgba8, "median kernel_size=3"),
    (Rgba8, "median kernel_size=5"),
    (Rgba8, "median kernel_size=255"),
    (Gray8, "median kernel_size=7"),
    (Rgba8, "motion_blur length=101 angle=33"),
    (Gray8, "canny low=0 high=1"),
    (Rgba8, "canny aperture=7 l2_gradient=true low=0 high=1"),
    (Rgba8, "laplacian kernel_size=7"),
    (Rgba8, "log kernel_size=31 laplacian_size=7"),
    (Rgba8, "log kernel_size=31 laplacian_size=7 border_mode=wrap"),
    (Rgba8, "scharr"),
    (Rgba8, "sobel kernel_size=7"),
    (Rgba8, "convolution KERNEL"),
    (Gray8, "convolution KERNEL offset=0.5"),
    (Rgba8, "high_pass kernel_size=31"),
    (Rgba8, "unsharp_mask kernel_size=31"),
    (Rgba8, "black_hat shape=ellipse kernel_size=63 iterations=10"),
    (Rgba8, "close shape=ellipse kernel_size=63 border_mode=wrap"),
    (Rgba8, "dilate kernel_size=63 iterations=10"),
    (Gray8, "erode shape=cross kernel_size=63 iterations=10"),
    (Rgba8, "gradient shape=ellipse kernel_size=63 iterations=10"),
    (Gray8, "open kernel_size=63 iterations=10"),
    (Gray8, "top_hat shape=ellipse kernel_size=63"),
    (Rgba8, "crop x=3"),
    (Rgba8, "flip direction=both"),
    (Gray8, "letterbox width=8000 height=7800 filter=lanczos3"),
    (Rgba8, "pad left=1000 top=1000"),
    (Rgba8, "pad left=1000 top=1000 border_mode=reflect"),
    (Gray8, "resize width=7990 height=7990 filter=lanczos3"),
    (Rgba8, "resize width=1 height=1 filter=lanczos3"),
    (Rgba8, "resize width=1 height=1 filter=area"),
    (Rgba8, "resize width=7000 height=7000 filter=nearest"),
    (Rgba8, "resize width=7000 height=7000 filter=bicubic"),
    (Rgba8, "rotate angle=90"),
    (Rgba8, "rotate angle=33 filter=bicubic"),
    (Rgba8, "warp_affine matrix=1,0.3,1,0.2,1,1 filter=bicubic"),
    (Rgba8, "warp_perspective matrix=1,0.3,1,0.2,1,1,0.0001,0,1 filter=bicubic border_mode=wrap"),
    (Rgba8, "emboss strength=10"),
    (Rgba8, "pixelate block_size=256"),
    (Rgba8, "posterize"),
    (Rgba8, "vignette"),
    (Rgba8, "draw FILLS"),
    (Rgba8, "redact REGIONS strength=2 mode=blur"),
    (Rgba8, "redact REGIONS strength=256 mode=pixelate"),
    (Rgba8, "redact REGIONS mode=fill"),
    (Rgba8, "histogram"),
    (Nv12, "histogram"),
    (Rgba8, "normalize_to_tensor width=7000 height=7000"),
    (Nv12, "normalize_to_tensor layout=nhwc element=f16"),
];

pub(crate) fn parse(text: &str) -> Chain {
    let mut words = text.split(' ');
    let id = words.next().unwrap();
    let mut given = BTreeMap::new();
    for word in words {
        let (name, value) = match word {
            "KERNEL" => ("kernel", (0..225).map(|at| format!("{}.5 ", at % 17)).collect()),
            "FILLS" => ("shapes", "fill 0 0 16384 4000 #ff000080;".repeat(200)),
            "REGIONS" => ("regions", "0 0 16384 16384 ".repeat(256)),
            _ => {
                let (name, value) = word.split_once('=').unwrap();
                (name, value.to_owned())
            }
        };
        given.insert(name.to_owned(), value.trim_end_matches([' ', ';']).to_owned());
    }
    if id == "lut" {
        let levels: Vec<String> = (0..256).map(|at| (255 - at).to_string()).collect();
        given.insert("table".to_owned(), levels.join(" "));
    }
    Chain::parse(&Catalog::standard(), [(id, &given)])
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Noise: nothing about it is quick.
pub(crate) fn image((width, height): (u32, u32), format: PixelFormat, pool: &Pool) -> Image {
    let size = Size::new(width, height).unwrap();
    let mut buffer = pool.take(ocelli_kernels::Shape::new(size, format).bytes());
    let mut state = 1_u32;
    for byte in buffer.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    Image::packed(size, format, buffer).unwrap()
}
