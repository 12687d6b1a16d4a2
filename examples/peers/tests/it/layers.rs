//! The layer table of the workspace: a crate depends on crates of lower layers only.

use std::collections::BTreeMap;
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Every package of the workspace with its layer. A package that is not listed fails the test.
const LAYERS: &[(&str, u8)] = &[
    ("renata-topics-derive", 0),
    ("renata-journal", 0),
    ("renata-peers", 0),
    ("renata-topics", 1),
    ("renata-codec", 2),
    ("renata-mqtt", 2),
    ("renata-auth", 2),
    ("renata-rules", 3),
    ("renata-drivers", 3),
    ("renata-azure", 3),
    ("renata-console", 4),
    ("renata-broker", 5),
    ("renata-cli", 5),
    ("renata-gateway", 6),
    ("renata-demo", 7),
    ("renata-snippets", 7),
    ("renata-benches", 7),
];

/// Beyond the layers: what may be used below a crate, for those whose neighbours are named.
const ALLOWED: &[(&str, &[&str])] = &[
    ("renata-topics", &["renata-topics-derive"]),
    ("renata-codec", &["renata-topics"]),
    ("renata-mqtt", &["renata-topics", "renata-journal"]),
    ("renata-auth", &["renata-topics"]),
    ("renata-drivers", &["renata-codec"]),
    (
        "renata-azure",
        &[
            "renata-codec",
            "renata-journal",
            "renata-topics",
            "renata-mqtt",
        ],
    ),
    ("renata-journal", &[]),
    ("renata-peers", &[]),
];

fn workspace() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .no_deps()
        .exec()
        .expect("cargo metadata");
    metadata.workspace_packages().into_iter().cloned().collect()
}

fn ours(package: &Package) -> impl Iterator<Item = &str> {
    package
        .dependencies
        .iter()
        // A test may use a peer or a higher crate: only what ships follows the layers.
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .filter(|name| name.starts_with("renata-"))
}

#[test]
fn every_crate_depends_on_lower_layers_only() {
    let layers: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    for package in workspace() {
        let own = layers[package.name.as_str()];
        for dependency in ours(&package) {
            let below = layers[dependency];
            assert!(
                below < own,
                "{} (layer {own}) uses {dependency} (layer {below})",
                package.name
            );
        }
    }
}

#[test]
fn libraries_use_the_neighbours_that_are_named_for_them() {
    for package in workspace() {
        let Some((_, allowed)) = ALLOWED
            .iter()
            .find(|(name, _)| *name == package.name.as_str())
        else {
            continue;
        };
        for dependency in ours(&package) {
            assert!(
                allowed.contains(&dependency),
                "{} must not use {dependency}",
                package.name
            );
        }
    }
}

#[test]
fn peers_are_used_by_tests_alone() {
    for package in workspace() {
        assert!(
            ours(&package).all(|name| name != "renata-peers"),
            "{}",
            package.name
        );
    }
}

#[test]
fn every_crate_shares_the_workspace_settings() {
    for package in workspace() {
        assert_eq!(package.edition.to_string(), "2024", "{}", package.name);
        assert_eq!(
            package.license.as_deref(),
            Some("MIT OR Apache-2.0"),
            "{}",
            package.name
        );
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("manifest");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has its own lints",
            package.name
        );
        // A crate that tests itself with more features names its own folder.
        let others = package
            .dependencies
            .iter()
            .filter(|other| *other.name != *package.name);
        for dependency in others {
            let line = format!("{}.workspace = true", dependency.name);
            let table = format!("{} = {{ workspace = true", dependency.name);
            assert!(
                manifest.contains(&line) || manifest.contains(&table),
                "{}: {} has a version of its own",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn libraries_forbid_unsafe_code() {
    for package in workspace() {
        for target in package.targets.iter().filter(|target| target.is_lib()) {
            let root = std::fs::read_to_string(&target.src_path).expect("lib.rs");
            assert!(
                root.contains("#![forbid(unsafe_code)]"),
                "{}",
                target.src_path
            );
        }
    }
}

#[test]
fn mqtt_without_features_brings_neither_runtime_nor_tls_nor_sockets() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "renata-mqtt",
            "--no-default-features",
            "--edges",
            "normal",
        ])
        .args(["--prefix", "none", "--format", "{lib}"])
        .output()
        .expect("cargo tree");
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8(tree.stdout).expect("UTF-8");
    assert!(tree.contains("bytes"), "the tree is printed: {tree}");
    for heavy in ["tokio", "rustls", "tokio_rustls", "socket2", "mio"] {
        assert!(
            tree.lines().all(|line| line.trim() != heavy),
            "{heavy} in\n{tree}"
        );
    }
}
