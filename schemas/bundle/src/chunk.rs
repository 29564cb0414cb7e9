//! Where the tar stream is cut: content-defined, so that a small edit moves few cuts.
//!
//! FastCDC v2020, normalization level 1, seed 0. The recipe lists the cuts, so a change here would cost deduplication, never
//! correctness; golden cut points in the tests hold it all the same.

use fastcdc::v2020::{FastCDC, Normalization};

/// How cuts are found, as the recipe names it: algorithm, level, seed, and the three sizes.
pub const CHUNKING: &str = "fastcdc2020-1-0-131072-524288-2097152";
/// No chunk but the last is smaller, in bytes.
pub const CHUNK_BYTES_MIN: usize = 128 * 1024;
/// The algorithm's nominal size, in bytes; real trees average 838 KiB.
pub const CHUNK_BYTES_NOMINAL: usize = 512 * 1024;
/// No chunk is larger, in bytes.
pub const CHUNK_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes held before they are cut: large enough that the tail left over is seldom moved to the front.
const WINDOW_BYTES: usize = 4 * CHUNK_BYTES_MAX;

/// Cuts a stream that comes in pieces; the pieces' borders have no influence on the cuts.
pub struct Cutter {
    window: Vec<u8>,
    start: usize,
}

impl Cutter {
    /// A cutter that has seen nothing.
    pub fn new() -> Self {
        Self { window: Vec::with_capacity(WINDOW_BYTES), start: 0 }
    }

    /// Takes the next bytes of the stream and hands every chunk that is now certain to `found`.
    pub fn push(&mut self, mut bytes: &[u8], mut found: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES_MAX));
            if self.window.len() + now.len() > WINDOW_BYTES {
                self.window.drain(..self.start);
                self.start = 0;
            }
            self.window.extend_from_slice(now);
            while self.window.len() - self.start >= CHUNK_BYTES_MAX {
                self.cut(&mut found);
            }
            bytes = later;
        }
    }

    /// The stream has ended: hands the last chunks to `found`.
    pub fn finish(mut self, mut found: impl FnMut(&[u8])) {
        while self.start < self.window.len() {
            self.cut(&mut found);
        }
    }

    fn cut(&mut self, found: &mut impl FnMut(&[u8])) {
        let rest = &self.window[self.start..];
        let (min, nominal, max) = (CHUNK_BYTES_MIN, CHUNK_BYTES_NOMINAL, CHUNK_BYTES_MAX);
        let cutter = FastCDC::with_level_and_seed(rest, min, nominal, max, Normalization::Level1, 0);
        let (_, length) = cutter.cut(0, rest.len());
        found(&rest[..length]);
        self.start += length;
    }
}

impl Default for Cutter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use rch_schemas::Sha256;

    use super::*;

    /// xorshift64*: the same bytes on every machine.
    fn pseudo_random(length: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }

    fn lengths(bytes: &[u8], piece: usize) -> Vec<usize> {
        let mut lengths = Vec::new();
        let mut cutter = Cutter::new();
        for part in bytes.chunks(piece) {
            cutter.push(part, |chunk| lengths.push(chunk.len()));
        }
        cutter.finish(|chunk| lengths.push(chunk.len()));
        lengths
    }

    #[test]
    fn cut_points_of_a_known_stream_never_move() {
        let bytes = pseudo_random(16_000_000);
        assert_eq!(Sha256::of(&bytes).to_string(), "8f32a3ab3dce36957fbc2bb8ecb2c7b2685a92965dc5b4d8cda9d9bdf9ca727a");
        let expected = [
            1_352_953, 333_975, 897_584, 1_250_086, 139_047, 766_290, 650_099, 881_618, 584_656, 569_431, 781_361, 426_213, 444_769,
            281_894, 339_493, 698_955, 569_027, 679_977, 719_912, 560_939, 563_700, 574_532, 723_392, 236_224, 869_343, 104_530,
        ];
        assert_eq!(lengths(&bytes, bytes.len()), expected);
    }

    #[test]
    fn the_borders_of_the_pieces_do_not_matter() {
        let bytes = pseudo_random(9_000_001);
        let whole = lengths(&bytes, bytes.len());
        for piece in [4_097, 524_288, 3_000_000] {
            assert_eq!(lengths(&bytes, piece), whole, "{piece}");
        }
        let slice: Vec<usize> =
            FastCDC::new(&bytes, CHUNK_BYTES_MIN, CHUNK_BYTES_NOMINAL, CHUNK_BYTES_MAX).map(|chunk| chunk.length).collect();
        assert_eq!(slice, whole);
    }

    #[test]
    fn no_stream_no_chunk_and_zeros_are_cut_at_the_maximum() {
        assert!(lengths(&[], 1).is_empty());
        assert_eq!(lengths(&vec![0; 5_000_000], 1_000_000), [CHUNK_BYTES_MAX, CHUNK_BYTES_MAX, 5_000_000 - 2 * CHUNK_BYTES_MAX]);
    }

    #[test]
    fn the_recipe_s_word_names_the_sizes_used() {
        assert_eq!(CHUNKING, format!("fastcdc2020-1-0-{CHUNK_BYTES_MIN}-{CHUNK_BYTES_NOMINAL}-{CHUNK_BYTES_MAX}"));
    }
}
