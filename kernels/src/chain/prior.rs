//! What filters cost on a CPU, as a start.

/// Nanoseconds that a filter takes for a unit of its work: about half of what was measured on one
/// thread with AVX-512, so that a faster machine is not told that it cannot do something.
pub(super) fn nanoseconds(id: &str) -> f64 {
    match id {
        "canny" => 1.5,
        "bilateral" => 0.8,
        "adaptive_threshold" | "log" | "warp_affine" | "warp_perspective" => 0.4,
        "laplacian" | "scharr" | "sobel" => 0.25,
        "clahe" | "histogram" | "resize" => 0.15,
        "blur" | "high_pass" | "to_rgb" | "unsharp_mask" => 0.1,
        "emboss" | "equalize" | "redact" | "white_balance" => 0.08,
        "convolution" | "letterbox" | "motion_blur" | "pixelate" | "rotate" => 0.06,
        "black_hat" | "close" | "gradient" | "open" | "top_hat" => 0.05,
        "box_blur" | "median" => 0.03,
        "dilate" | "draw" | "erode" | "vignette" => 0.025,
        "color_convert" | "color_matrix" | "grayscale" | "normalize_to_tensor" => 0.015,
        "saturation_hue" | "sepia" => 0.012,
        // Copies, and tables of one level each.
        _ => 0.01,
    }
}
