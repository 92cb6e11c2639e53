//! Tests of policies: reading, deciding, and what is refused.

use super::*;

fn policy(rules: &str) -> Read {
    read(&format!(r#"{{"tactics": [{{"id": "t", "rules": {rules}}}]}}"#)).expect("it is JSON")
}

#[test]
fn everything_wrong_is_told_at_once() {
    let found = policy(
        r#"[{"id": "a", "when": "x >", "action": "rejct", "on_null": "hit"}, {"id": "a", "when": "x > 1", "action": "flag"}]"#,
    );
    assert!(found.policy.is_none());
    let codes: Vec<_> = found.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["syntax", "action", "duplicate_id", "on_null"]);
    assert_eq!(found.findings[1].hint.as_deref(), Some("did you mean `reject`?"));
}
