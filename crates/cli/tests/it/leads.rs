//! `argosy leads log`: what `argosy up` did as a lead, told by the directory.

use crate::network::{Network, argosy};
use argosy_api::directory::RecordView;
use std::process::Output;

fn log(network: &Network, arguments: &[&str]) -> Output {
    let mut command = argosy();
    command.args(["leads", "log"]).args(arguments).env("ARGOSY_DIRECTORY", network.directory());
    command.output().expect("argosy starts")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_leads_record_is_told_in_three_formats() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::up(&folder.path().join("data"));
    let json = text(&log(&network, &["--group", "distribution", "--format", "json"]));
    let entries: Vec<RecordView> = serde_json::from_str(&json).unwrap();
    let families = entries.iter().filter(|e| e.call == "distribution.createDistributionBucketFamily").count();
    assert!(entries.len() > 3 && families == 2, "{json}");
    assert!(entries.iter().all(|entry| entry.result == "succeeded" && entry.index.is_some()));
    assert!(entries.is_sorted_by_key(|entry| (entry.height, entry.index)));

    let csv = text(&log(&network, &["--group", "distribution", "--format", "csv"]));
    assert_eq!(csv.lines().count(), entries.len() + 1);
    assert!(csv.starts_with("time,block,index,signer,nonce,call,arguments,result,code,reason,transaction\n"));
    let markdown = text(&log(&network, &["--group", "distribution"]));
    assert!(markdown.starts_with("# Record of the lead of the distribution group\n"));
    assert!(markdown.contains("| create distribution bucket family |"), "{markdown}");
    assert_eq!(markdown.lines().filter(|line| line.starts_with("| 2")).count(), entries.len());

    let last = entries.last().unwrap().height.to_string();
    let bounds = ["--group", "distribution", "--format", "json", "--from", &last, "--to", &last];
    let some: Vec<RecordView> = serde_json::from_str(&text(&log(&network, &bounds))).unwrap();
    assert!(!some.is_empty() && some.iter().all(|entry| entry.height.to_string() == last));
    let past = ["--group", "distribution", "--format", "json", "--to", "2001-01-01"];
    assert_eq!(serde_json::from_str::<Vec<RecordView>>(&text(&log(&network, &past))).unwrap(), []);

    let other = log(&network, &["--group", "forum", "--format", "json"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&other.stderr).contains("NO_SUCH_GROUP"));
    network.stop("TERM");
}
