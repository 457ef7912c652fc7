//! Otsu's threshold: the level at which the variance between the two parts is greatest.

/// For that many samples of each level. The same floating-point operations in the same order as
/// OpenCV's, so that ties go the same way.
pub(super) fn threshold(counts: &[u64; 256]) -> u8 {
    let samples: f64 = counts.iter().map(|count| *count as f64).sum();
    let scale = 1.0 / samples;
    let levels = || (0..=u8::MAX).zip(counts.iter().map(|count| *count as f64));
    let mean = levels().map(|(level, count)| f64::from(level) * count).sum::<f64>() * scale;
    let (mut lower_mean, mut lower) = (0.0, 0.0);
    let (mut greatest, mut best) = (0.0, 0);
    let epsilon = f64::from(f32::EPSILON);
    for (level, count) in levels() {
        let part = count * scale;
        lower_mean *= lower;
        lower += part;
        let upper = 1.0 - lower;
        if f64::min(lower, upper) < epsilon || f64::max(lower, upper) > 1.0 - epsilon {
            continue;
        }
        lower_mean = (lower_mean + f64::from(level) * part) / lower;
        let upper_mean = (mean - lower * lower_mean) / upper;
        let variance = lower * upper * (lower_mean - upper_mean) * (lower_mean - upper_mean);
        if variance > greatest {
            (greatest, best) = (variance, level);
        }
    }
    best
}
