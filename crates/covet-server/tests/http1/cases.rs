//! The conformance cases, judged under both of their columns: what the RFCs allow (`expect`) and
//! what this server promises (`covet`).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::echo::{Outcome, serve, serve_in_any_split};

const CASES: &str = include_str!("../../../../tests/conformance/http1_cases.json");

/// Longest input that is split at every byte.
const SPLIT_EVERYWHERE: usize = 4096;

fn decoded(value: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// A Latin-1 text with the escapes `\r`, `\n`, `\t` and `\xhh`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        let octet = match letter {
            '\\' => match rest.next().unwrap() {
                'r' => b'\r',
                'n' => b'\n',
                't' => b'\t',
                'x' => {
                    let digits: String = rest.by_ref().take(2).collect();
                    u8::from_str_radix(&digits, 16).unwrap()
                }
                other => panic!("escape {other}"),
            },
            plain => u8::try_from(u32::from(plain)).unwrap(),
        };
        bytes.push(octet);
    }
    bytes
}

fn payload(case: &Value) -> Vec<u8> {
    let Some(segments) = case["segments"].as_array() else {
        return decoded(&case["raw_b64"]);
    };
    let mut bytes = Vec::new();
    for segment in segments {
        let separator = segment["sep"].as_str().unwrap_or("").as_bytes();
        for turn in 0..segment["times"].as_u64().unwrap() {
            if turn > 0 {
                bytes.extend_from_slice(separator);
            }
            let text = segment["s"]
                .as_str()
                .unwrap()
                .replace("{i}", &turn.to_string());
            bytes.extend(unescaped(&text));
        }
    }
    bytes
}

fn flag(case: &Value, name: &str) -> bool {
    case[name].as_bool().unwrap_or(false)
}

/// Says what is wrong with the outcome under one column, if anything.
fn judge(case: &Value, column: &str, outcome: &Outcome) -> Result<(), String> {
    let first = outcome.statuses.first().copied();
    if outcome.statuses.len() as u64 > case["max_responses"].as_u64().unwrap() {
        return Err("too many responses".into());
    }
    if outcome
        .statuses
        .iter()
        .any(|status| matches!(status, 500 | 502..=504))
    {
        return Err("a 5xx".into());
    }
    match case[column].as_str().unwrap() {
        "reject" => rejected(case, column, outcome, first),
        "accept" => accepted(case, outcome, first),
        "incomplete" if first.is_none_or(|status| status >= 300) => Ok(()),
        "incomplete" => Err("2xx".into()),
        "either" => rejected(case, column, outcome, first)
            .or_else(|why| accepted(case, outcome, first).map_err(|other| why + "; " + &other)),
        other => panic!("verdict {other}"),
    }
}

fn rejected(
    case: &Value,
    column: &str,
    outcome: &Outcome,
    first: Option<u16>,
) -> Result<(), String> {
    let Some(status) = first else {
        return if outcome.closed && flag(case, "may_close_without_response") {
            Ok(())
        } else {
            Err("no response".into())
        };
    };
    // The WebSocket cases take a plain 200: no upgrade was granted.
    let plain = case["id"].as_str().unwrap().starts_with('N');
    if status < 300 && !(plain && case[column] == "reject") {
        return Err("2xx".into());
    }
    if !case["status"]
        .as_array()
        .unwrap()
        .contains(&Value::from(status))
    {
        return Err(format!("status {status}"));
    }
    if flag(case, "must_close") && !outcome.closed {
        return Err("not closed".into());
    }
    Ok(())
}

fn accepted(case: &Value, outcome: &Outcome, first: Option<u16>) -> Result<(), String> {
    if !first.is_some_and(|status| (200..300).contains(&status)) {
        return Err(format!("status {first:?}"));
    }
    if let Some(wanted) = case["responses"].as_u64()
        && outcome.statuses.len() as u64 != wanted
    {
        return Err(format!("{} responses", outcome.statuses.len()));
    }
    if case["echo_b64"].is_string() && outcome.bodies.first() != Some(&decoded(&case["echo_b64"])) {
        return Err("echo".into());
    }
    if flag(case, "must_close") && !outcome.closed {
        return Err("not closed".into());
    }
    Ok(())
}

#[test]
fn every_case_under_both_columns_in_any_split() {
    let file: Value = serde_json::from_str(CASES).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 185);
    let mut failures = Vec::new();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let bytes = payload(case);
        let samples = if bytes.len() <= SPLIT_EVERYWHERE {
            SPLIT_EVERYWHERE
        } else {
            60
        };
        let outcome = serve_in_any_split(&bytes, samples);
        if let Some(parts) = case["parts"].as_array() {
            let parts: Vec<_> = parts.iter().map(|part| decoded(&part["b64"])).collect();
            assert_eq!(serve(parts.iter().map(Vec::as_slice)), outcome, "{id}");
        }
        for column in ["expect", "covet"] {
            // HTTP/2 with prior knowledge is taken before this codec; here it is refused.
            let column = if id == "C41-h2-preface" {
                "expect"
            } else {
                column
            };
            if let Err(why) = judge(case, column, &outcome) {
                let statuses = &outcome.statuses;
                failures.push(format!(
                    "{id} {column}: {why}, {statuses:?} {:?}",
                    outcome.refusal
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_http2_preface_is_refused_by_its_version() {
    let outcome = serve([&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..]]);
    assert_eq!((outcome.statuses, outcome.closed), (vec![505], true));
}

#[test]
fn the_judge_can_fail() {
    let case = serde_json::json!({
        "id": "X", "covet": "reject", "status": [400], "max_responses": 1, "must_close": true,
        "may_close_without_response": false,
    });
    let served = |statuses: &[u16], closed| Outcome {
        statuses: statuses.to_vec(),
        closed,
        ..Outcome::default()
    };
    assert!(judge(&case, "covet", &served(&[400], true)).is_ok());
    for (statuses, closed) in [
        (&[400][..], false),
        (&[200], true),
        (&[], false),
        (&[404], true),
        (&[400, 400], true),
    ] {
        assert!(
            judge(&case, "covet", &served(statuses, closed)).is_err(),
            "{statuses:?}"
        );
    }
}
