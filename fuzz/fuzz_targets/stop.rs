//! A stream ends at the same place however it is cut, and text that was shown is
//! never taken back.
//!
//! Run it with `RUSTC_BOOTSTRAP=1 cargo fuzz run stop` on the stable toolchain.

#![no_main]

use arbitrary::Arbitrary;
use fimd::tags::Stop;
use fimd::tags::stop::Matcher;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    output: String,
    stops: Vec<(String, bool)>,
    cuts: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let Input {
        output,
        stops,
        cuts,
    } = input;
    let stops: Vec<_> = stops
        .into_iter()
        .filter(|(pattern, _)| !pattern.is_empty())
        .map(|(pattern, keep)| Stop { pattern, keep })
        .collect();
    let (expected, stop) = naive(&output, &stops);
    let mut matcher = Matcher::new(stops).expect("few patterns fit");
    let mut shown = String::new();
    let mut rest = output.as_bytes();
    for cut in cuts {
        let (piece, behind) = rest.split_at(usize::from(cut).min(rest.len()));
        matcher.push(piece, &mut shown);
        assert!(expected.starts_with(&shown), "{shown:?} of {expected:?}");
        rest = behind;
    }
    matcher.push(rest, &mut shown);
    assert_eq!(matcher.finish(&mut shown), stop);
    assert_eq!(shown, expected);
});

/// The result by its definition, computed on the whole output.
fn naive(output: &str, stops: &[Stop]) -> (String, Option<Stop>) {
    let found = stops.iter().enumerate();
    let found = found.filter_map(|(n, stop)| Some((output.find(&stop.pattern)?, n)));
    let Some((at, n)) = found.min() else {
        return (output.to_owned(), None);
    };
    let end = match stops[n].keep {
        true => at + stops[n].pattern.len(),
        false => at,
    };
    (output[..end].to_owned(), Some(stops[n].clone()))
}
