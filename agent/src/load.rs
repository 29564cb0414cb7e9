//! How busy the machine is.

use std::time::Duration;

use crate::tool::{Call, Tools};

/// Reading a number from the kernel; a heartbeat does not wait longer for it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The load average of the last minute, in hundredths; 0 when the system does not say.
pub(crate) async fn hundredths(tools: &Tools) -> u32 {
    let text = if let Ok(text) = std::fs::read_to_string("/proc/loadavg") {
        text
    } else {
        let call = Call { tool: "sysctl", arguments: &["-n", "vm.loadavg"], developer_dir: None, timeout: TIMEOUT };
        tools.ask_system(call).await.unwrap_or_default()
    };
    parse(&text)
}

/// Reads `1.25 0.80 …` and `{ 1.25 0.80 … }`.
fn parse(text: &str) -> u32 {
    let first = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default();
    let (whole, fraction) = first.split_once(['.', ',']).unwrap_or((first, "0"));
    let hundredths: String = fraction.chars().chain("00".chars()).take(2).collect();
    whole.parse::<u32>().unwrap_or(0).saturating_mul(100).saturating_add(hundredths.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_systems_ways_to_say_it_are_read() {
        assert_eq!(parse("1.25 0.80 0.50 2/345 678"), 125);
        assert_eq!(parse("{ 12.05 1.00 0.9 }"), 1_205);
        assert_eq!(parse("{ 1,5 1,00 }"), 150);
        assert_eq!(parse(""), 0);
    }
}
