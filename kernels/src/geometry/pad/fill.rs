//! Rows of one colour.

/// Repeats the samples of a pixel all along.
pub(crate) fn row(to: &mut [u8], pixel: &[u8]) {
    if let [first, rest @ ..] = pixel
        && rest.iter().all(|sample| sample == first)
    {
        return to.fill(*first);
    }
    // Twice as much each time, so that nearly all of it is done by long copies.
    let mut done = pixel.len().min(to.len());
    for (to, from) in to.iter_mut().zip(pixel) {
        *to = *from;
    }
    while done > 0 && done < to.len() {
        let more = done.min(to.len() - done);
        to.copy_within(..more, done);
        done += more;
    }
}
