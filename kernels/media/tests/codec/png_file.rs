//! A PNG writer of its own: every colour type, depth and interlacing, and chunks of any kind. It
//! shares no code with the reader under test, and stores instead of compressing.

/// What goes into the header, and the sample of each channel at each pixel.
pub(crate) struct PngFile<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.
    pub(crate) color_type: u8,
    pub(crate) depth: u8,
    pub(crate) interlaced: bool,
    /// Chunks between the header and the pixels.
    pub(crate) extra: Vec<(&'static [u8; 4], Vec<u8>)>,
    pub(crate) sample: &'a dyn Fn(usize, usize, usize) -> u16,
}

/// Start and step, across and down, of the passes of Adam7.
const ADAM7: [[usize; 4]; 7] = [
    [0, 8, 0, 8],
    [4, 8, 0, 8],
    [0, 4, 4, 8],
    [2, 4, 0, 4],
    [0, 2, 2, 4],
    [1, 2, 0, 2],
    [0, 1, 1, 2],
];

impl PngFile<'_> {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut header = Vec::new();
        header.extend((self.width as u32).to_be_bytes());
        header.extend((self.height as u32).to_be_bytes());
        header.extend([self.depth, self.color_type, 0, 0, self.interlaced.into()]);
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        put_chunk(&mut file, b"IHDR", &header);
        for (name, data) in &self.extra {
            put_chunk(&mut file, name, data);
        }
        put_chunk(&mut file, b"IDAT", &zlib_stored(&self.rows()));
        put_chunk(&mut file, b"IEND", &[]);
        file
    }

    fn rows(&self) -> Vec<u8> {
        let passes = if self.interlaced { &ADAM7[..] } else { &[[0, 1, 0, 1]] };
        let mut rows = Vec::new();
        for &[left, across, top, down] in passes {
            if left >= self.width {
                continue;
            }
            for y in (top..self.height).step_by(down) {
                rows.push(0); // no prediction
                let xs = (left..self.width).step_by(across);
                self.put_row(&mut rows, xs, y);
            }
        }
        rows
    }

    fn put_row(&self, rows: &mut Vec<u8>, xs: impl Iterator<Item = usize>, y: usize) {
        let channels = match self.color_type {
            0 | 3 => 1,
            4 => 2,
            2 => 3,
            _ => 4,
        };
        let (mut bits, mut filled) = (0_u32, 0);
        for x in xs {
            for channel in 0..channels {
                bits = bits << self.depth | u32::from((self.sample)(x, y, channel));
                filled += self.depth;
                while filled >= 8 {
                    filled -= 8;
                    rows.push((bits >> filled) as u8);
                }
            }
        }
        if filled > 0 {
            rows.push((bits << (8 - filled)) as u8);
        }
    }
}

pub(crate) fn put_chunk(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend(name);
    file.extend(data);
    let crc = crc32(&file[start..]);
    file.extend(crc.to_be_bytes());
}

/// Makes the checksums right again, so that damage reaches what lies behind them.
pub(crate) fn reseal(file: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4) {
        let end = at + 8 + u32::from_be_bytes(length.try_into().unwrap()) as usize;
        if end + 4 > file.len() {
            break;
        }
        let crc = crc32(&file[at + 4..end]);
        file[end..end + 4].copy_from_slice(&crc.to_be_bytes());
        at = end + 4;
    }
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

fn zlib_stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = data.chunks(0xFFFF);
    let last = blocks.len() - 1;
    for (index, block) in blocks.enumerate() {
        out.push((index == last).into());
        out.extend((block.len() as u16).to_le_bytes());
        out.extend((!(block.len() as u16)).to_le_bytes());
        out.extend(block);
    }
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    out.extend((b << 16 | a).to_be_bytes());
    out
}
