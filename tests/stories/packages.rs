//! What is shipped beside the binary fits the source.

use std::path::Path;

#[test]
fn the_containerfile_copies_all_that_the_manifest_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let containerfile = std::fs::read_to_string(root.join("deploy/Containerfile")).unwrap();
    let copied: Vec<&str> = containerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"))
        .flat_map(|line| line.split_whitespace())
        .collect();
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let named = manifest.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"'));
    let mut count = 0;
    for path in named.chain(["Cargo.toml", "Cargo.lock", "src/main.rs"]) {
        let top = path.split('/').next().unwrap();
        assert!(copied.contains(&top), "{path} is not copied");
        count += 1;
    }
    assert_eq!(count, 7, "the manifest names a test and three benches");
}
