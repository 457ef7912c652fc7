//! Lossless WebP files that no encoder writes.

/// Writes bits, the lowest of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn put(&mut self, value: usize, count: usize) {
        for bit in 0..count {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> bit & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
    }

    /// A code of this symbol alone.
    fn one_symbol(&mut self, symbol: usize) {
        // Simple; one symbol; of eight bits.
        self.put(0b101, 3);
        self.put(symbol, 8);
    }

    /// A code of 2048 symbols of 11 bits each, in 137 bytes.
    fn large_code(&mut self) {
        self.put(0, 1);
        // The codes of the lengths: 16 and 11 take a bit each.
        self.put(11, 4);
        for length in [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11] {
            self.put(usize::from([11, 16].contains(&length)), 3);
        }
        // How many lengths follow, in ten bits: 11, 341 times six more of it, and the last.
        self.put(1, 1);
        self.put(4, 3);
        self.put(343 - 2, 10);
        self.put(0, 1);
        for _ in 0..341 {
            self.put(1 | 3 << 1, 3);
        }
        self.put(0, 1);
    }
}

/// The stream of a picture of up to 64 pixels with that many groups of prefix codes, each of which
/// takes 69 kB in the decoder's memory.
fn stream(groups: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // No transforms; a cache of 2^11 colours; several groups, in blocks of four pixels a side.
    bits.put(0, 1);
    bits.put(1, 1);
    bits.put(11, 4);
    bits.put(1, 1);
    bits.put(0, 3);
    // Which group has which block: no cache, and all blocks are as the codes say.
    bits.put(0, 1);
    for symbol in [(groups - 1) & 0xFF, (groups - 1) >> 8, 0, 0, 0] {
        bits.one_symbol(symbol);
    }
    for _ in 0..groups {
        bits.large_code();
        for _ in 0..4 {
            bits.one_symbol(0);
        }
    }
    // The pixels.
    for _ in 0..64 {
        bits.put(0, 11);
    }
    bits.bytes
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = name.to_vec();
    chunk.extend((data.len() as u32).to_le_bytes());
    chunk.extend(data);
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let data = [b"WEBP".to_vec(), chunks.concat()].concat();
    chunk(b"RIFF", &data)
}

/// 9 × 7 pixels whose colour has so many groups of codes.
pub(crate) fn colour_of_groups(groups: usize) -> Vec<u8> {
    let mut header = vec![0x2F];
    header.extend((8_u32 | 6 << 14).to_le_bytes());
    riff(&[chunk(b"VP8L", &[header, stream(groups)].concat())])
}

/// A file of a lossy image of 9 × 7 pixels, with alpha that has so many groups of codes.
pub(crate) fn alpha_of_groups(groups: usize, lossy: &[u8]) -> Vec<u8> {
    let extended = chunk(b"VP8X", &[0x10, 0, 0, 0, 8, 0, 0, 6, 0, 0]);
    let alpha = chunk(b"ALPH", &[vec![1], stream(groups)].concat());
    riff(&[extended, alpha, lossy[12..].to_vec()])
}

/// The same, with the alpha in a frame of an animation that is not announced.
pub(crate) fn hidden_alpha_of_groups(groups: usize, lossy: &[u8]) -> Vec<u8> {
    let extended = chunk(b"VP8X", &[0x10, 0, 0, 0, 8, 0, 0, 6, 0, 0]);
    let alpha = chunk(b"ALPH", &[vec![1], stream(groups)].concat());
    let frame = chunk(b"ANMF", &[vec![0; 16], alpha].concat());
    riff(&[extended, lossy[12..].to_vec(), frame])
}
