//! Stable names from text: simulator ids, DerivedData suffixes, and whether a file changed. Not for security.

/// FNV-1a over 128 bits: small, dependency-free, and the same on every machine and release.
pub(crate) fn fingerprint(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}

/// A version-4-shaped UUID in upper case that follows from `parts`, as CoreSimulator writes its ids.
pub(crate) fn uuid_from(parts: &[&str]) -> String {
    let bits = fingerprint(parts.join("\u{0}").as_bytes());
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let text = format!("{bits:032X}");
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

/// The 28 letters Xcode puts behind a project's name in DerivedData.
pub(crate) fn letters(text: &str) -> String {
    let mut bits = fingerprint(text.as_bytes());
    let mut letters = String::with_capacity(28);
    for _ in 0..28 {
        let letter = u8::try_from(bits % 26).expect("a remainder of 26 fits a byte");
        letters.push(char::from(b'a' + letter));
        bits = (bits / 26) ^ bits.rotate_left(17);
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_their_parts_and_look_like_version_4() {
        let id = uuid_from(&["mac-a", "iPhone 16"]);
        assert_eq!(id, uuid_from(&["mac-a", "iPhone 16"]));
        assert_ne!(id, uuid_from(&["mac-b", "iPhone 16"]));
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!("89AB".contains(&id[19..20]));
    }
}
