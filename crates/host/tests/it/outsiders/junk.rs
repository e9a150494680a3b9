//! Clients that send anything at all: each is answered, and the host goes on.

use std::collections::BTreeSet;

use lattice::limits::ERROR_BYTES_MAX;

use super::*;

const SEEDS: u64 = 64;
/// With those of all seeds, more than 10,000.
const MESSAGES: u64 = 160;

/// Numbers that a seed decides (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most).unwrap()).unwrap()
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

const GOOD: &str = r#"{"item": "tea", "count": 3}"#;

fn payload(random: &mut Random) -> Vec<u8> {
    let deep = 1 << random.below(18);
    match random.below(10) {
        0 => GOOD.into(),
        1 => random.bytes(300),
        2 => "[".repeat(deep).into(),
        3 => [r#"{"item":"#.repeat(deep), "1".to_owned(), "}".repeat(deep)].concat().into(),
        4 => {
            format!("[\"tea\", {}]", random.one_of(&["1e999", "-0", "4294967296", "NaN", "0x1", "1.5", "\"1\""])).into()
        }
        5 => random
            .one_of(&["", "null", "true", "[]", "{}", "\"\\ud800\"", "[\"\\u0000\", 1]", "{\"item\": null}"])
            .into(),
        6 => format!("{{\"item\": \"{}\", \"count\": 1}}", "x".repeat(deep)).into(),
        7 => format!("{{{}\"item\": \"tea\"}}", "\"item\": \"tea\", ".repeat(random.below(100))).into(),
        _ => {
            let mut bytes = GOOD.as_bytes().to_vec();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] = random.next().to_le_bytes()[0];
            }
            bytes
        }
    }
}

fn message(scene: &Scene, random: &mut Random) -> Message {
    let actor = random.one_of(&["cart", "cart", "cart", "cart", "till"]);
    let mut message = scene.message(actor, "nightly", "");
    message.payload = payload(random).into();
    let function =
        random.one_of(&["take", "take", "take", "api.take", "peek", "", "give", "\u{7f}\u{1}", "ä#ö", "a.b#c.d#e"]);
    if random.below(10) > 0 {
        message = message.with("lath-function", function);
    }
    if random.below(5) == 0 {
        message =
            message.with("lath-deadline", random.one_of(&["", "0", "-1", "18446744073709551616", "1e3", "50000", "x"]));
    }
    if random.below(5) == 0 {
        message = message.with("traceparent", random.one_of(&["", "00", "00-0-0-0", "ff-\u{ff}"]));
    }
    // What only hosts say to each other means nothing here.
    match random.below(8) {
        0 => message.with("lath-call", "target=shop/cart caller=@operator"),
        1 => message.with("lath-chunks", "bytes=99 crc32=1"),
        2 => message.with("lath-echo", "1"),
        _ => message,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_is_answered_and_does_no_harm() {
    let scene = scene().await;
    let mut answers = scene.client.subscribe("_INBOX.client.shop.nightly.junk.*".parse().unwrap()).await.unwrap();
    let mut cases = BTreeSet::new();
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut waiting = BTreeSet::new();
        for number in 0..MESSAGES {
            let message = message(&scene, &mut random);
            let inbox = format!("_INBOX.client.shop.nightly.junk.{seed}-{number}");
            let reply = match random.below(12) {
                0 => None,
                1 => Some("lath.test.beat.a".to_owned()),
                _ => Some(inbox.clone()),
            };
            let is_answered = reply.as_ref() == Some(&inbox);
            let message = reply.into_iter().fold(message, |message, reply| message.wanting(reply.parse().unwrap()));
            // What the bus itself does not carry reaches nobody.
            if scene.client.publish(message).is_ok() && is_answered {
                waiting.insert(inbox);
            }
        }
        while !waiting.is_empty() {
            let answer = tokio::time::timeout(AMPLE, answers.next()).await;
            let answer = answer.unwrap_or_else(|_| panic!("seed {seed}: no answer on {waiting:?}")).unwrap();
            assert!(waiting.remove(answer.subject.as_str()), "seed {seed}: a second answer on {}", answer.subject);
            let text = String::from_utf8(answer.payload.to_vec()).unwrap();
            let case = answer.headers.get("lath-error").unwrap_or("result");
            assert!(case != "deser" || text.contains("the contract has `"), "seed {seed}: {text}");
            assert!(!text.is_empty() && text.len() <= ERROR_BYTES_MAX, "seed {seed}: {text}");
            cases.insert(case.to_owned());
        }
        assert_eq!(scene.call("take", GOOD).await, r#"{"ok":3}"#, "after seed {seed}");
    }
    let seen: Vec<_> = cases.iter().map(String::as_str).collect();
    assert_eq!(seen, ["deadline-exceeded", "deser", "invalid-parameter", "method-not-handled", "result"]);
}
