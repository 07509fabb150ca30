//! The tables of claims in `host/RELIABILITY.md` name tests that there are.

use runner_tests::root;

#[test]
fn each_claim_has_a_test() {
    let text = std::fs::read_to_string(root().join("host/RELIABILITY.md")).unwrap();
    let (_, rest) = text.split_once("\n## Claims and tests\n").unwrap();
    let (claims, _) = rest.split_once("\n## ").unwrap();
    let rows: Vec<_> = claims
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .filter(|row| !row.contains("---") && !row.ends_with("| test "))
        .collect();
    assert!(rows.len() > 50, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let (claim, tests) = row.rsplit_once('|').expect("two columns");
        let names: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            wrong.push(format!("no test: {claim}"));
        }
        wrong.extend(
            names
                .into_iter()
                .filter(|name| !is_test(name))
                .map(str::to_owned),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether `file.rs::name` is a function with the attribute of a test.
fn is_test(name: &str) -> bool {
    let Some((file, function)) = name.split_once("::") else {
        return false;
    };
    let Ok(text) = std::fs::read_to_string(root().join(file)) else {
        return false;
    };
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let start = format!("fn {function}(");
    let is_it = |line: &str| {
        line.strip_prefix("async ")
            .unwrap_or(line)
            .starts_with(&start)
    };
    let Some(at) = lines.iter().position(|line| is_it(line)) else {
        return false;
    };
    let mut attributes = lines[..at]
        .iter()
        .rev()
        .take_while(|line| line.starts_with("#["));
    attributes.any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"))
}
