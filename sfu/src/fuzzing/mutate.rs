//! As many mutated inputs as one has time for: the committed seeds, changed at random, at the speed of the parsers. No coverage
//! guides it; that is `make fuzz`.

use std::path::Path;
use std::time::Instant;

/// Inputs of each target, unless `INPUTS` says otherwise.
const INPUTS: u64 = 1_000_000_000;

/// A mutated input is no longer than this.
const BYTES_MAX: usize = 1_500;

/// How many inputs go by between two looks at the clock.
const BATCH: u64 = 1 << 16;

/// No input may take longer, seconds: so a batch takes at most this and what the others take.
const SLOW_S: f64 = 10.0;

/// A parser's name and the function that its inputs go through.
type Target = (&'static str, fn(&[u8]));

struct Random(u64);

impl Random {
    /// xorshift64*.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 32) as usize * n.max(1)) >> 32
    }
}

/// Makes `out` a seed with one to eight changes: bits, bytes, words of extremes, cuts, repeats, parts of other seeds.
fn mutate(seeds: &[Vec<u8>], random: &mut Random, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&seeds[random.below(seeds.len())]);
    for _ in 0..1 + random.below(8) {
        let at = random.below(out.len());
        match random.below(7) {
            0 if !out.is_empty() => out[at] ^= 1 << random.below(8),
            1 if !out.is_empty() => out[at] = random.next() as u8,
            2 if out.len() >= 2 => {
                let at = at.min(out.len() - 2);
                let word = [0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff, out.len() as u16];
                out[at..at + 2].copy_from_slice(&word[random.below(word.len())].to_be_bytes());
            }
            3 => out.truncate(at),
            4 => {
                let end = at + random.below(out.len() - at + 1);
                out.extend_from_within(at..end);
            }
            5 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                out.extend_from_slice(&other[from.min(other.len())..]);
            }
            _ => out.push(random.next() as u8),
        }
        out.truncate(BYTES_MAX);
    }
}

/// `INPUTS=… SEED=… cargo test --release -p sfu --lib mutated -- --ignored --nocapture`
#[test]
#[ignore = "hours at its full count"]
fn mutated_inputs_make_no_parser_of_strangers_bytes_fail() {
    let number =
        |name, or| std::env::var(name).ok().and_then(|it: String| it.parse().ok()).unwrap_or(or);
    let (wanted, seed) = (number("INPUTS", INPUTS), number("SEED", 1));
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let targets: [Target; 3] = [("stun", super::stun), ("rtp", super::rtp), ("rtcp", super::rtcp)];
    for (name, target) in targets {
        let files = std::fs::read_dir(corpus.join(name)).unwrap();
        let mut paths: Vec<_> = files.map(|it| it.unwrap().path()).collect();
        paths.sort();
        let seeds: Vec<_> = paths.iter().map(|it| std::fs::read(it).unwrap()).collect();
        let (mut random, mut input) = (Random(seed.max(1)), Vec::with_capacity(2 * BYTES_MAX));
        let (begin, mut done, mut slowest) = (Instant::now(), 0, 0.0_f64);
        while done < wanted {
            let batch = Instant::now();
            for _ in 0..BATCH {
                mutate(&seeds, &mut random, &mut input);
                target(&input);
            }
            done += BATCH;
            slowest = slowest.max(batch.elapsed().as_secs_f64());
        }
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "{name}: {:.1} million inputs, {:.0} thousand a second, the slowest {BATCH} took {slowest:.2} s",
            done as f64 / 1e6,
            done as f64 / seconds / 1e3
        );
        assert!(slowest < SLOW_S, "{name}");
    }
}
