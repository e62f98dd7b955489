//! Every command that the guide of the distribution lead prints, as it is printed there.

use crate::{stage::Stage, transcript};
use std::fs;

/// The guide's commands, each after what makes it meaningful. Ids are not used again, so that what the
/// guide does in family 0 after it was deleted goes on in another network.
const GUIDE: [(&str, &str); 2] = [
    ("leads-guide.md", include_str!("../data/leads-guide.md")),
    ("leads-guide-2.md", include_str!("../data/leads-guide-2.md")),
];

/// The commands that the guide prints, without `yarn`, in its order.
const PRINTED: [&str; 33] = [
    "leader --help",
    "leader:cancel-invitation --help",
    "leader:cancel-invitation -B 0:1 -w 5 -y",
    "leader:create-bucket --help",
    "leader:create-bucket -a yes -f 0 -y",
    "leader:create-bucket-family --help",
    "leader:create-bucket-family",
    "leader:delete-bucket --help",
    "leader:delete-bucket -B 0:0 -y",
    "leader:delete-bucket-family --help",
    "leader:delete-bucket-family -f 0 -y",
    "leader:invite-bucket-operator --help",
    "leader:invite-bucket-operator -B 0:1 -w 0 -y",
    "leader:remove-bucket-operator --help",
    "leader:remove-bucket-operator -B 0:1 -w 0 -y",
    "leader:set-bucket-family-metadata --help",
    "leader:set-bucket-family-metadata -f 0 -i metadata.json -y",
    "leader:set-buckets-per-bag-limit --help",
    "leader:set-buckets-per-bag-limit -l 2",
    "leader:update-bag --help",
    "leader:update-bag -a 1 -b dynamic:channel:111 -f 0 -y",
    "leader:update-bag -r 1 -b dynamic:channel:111 -f 0 -y",
    "leader:update-bucket-mode --help",
    "leader:update-bucket-mode -B 1:1 -d on",
    "leader:update-bucket-status --help",
    "leader:update-bucket-status -B 1:1 -a no -y",
    "leader:update-dynamic-bag-policy --help",
    "leader:update-dynamic-bag-policy -t Channel -p 1:5 2:10 3:5",
    "operator --help",
    "operator:accept-invitation --help",
    "operator:accept-invitation -B 0:1 -w 0 -y",
    "operator:set-metadata --help",
    "operator:set-metadata -B 0:1 -w 0 -i metadata.json",
];

/// The guide's example of a family's metadata.
const FAMILY: &str = r#"{
    "region": "eu-north-1",
    "description": "Central and northern Europe",
    "latencyTestTargets": [],
    "areas": [
        {
            "continentCode": "EU"
        }
    ]
}"#;

/// The guide's example of a node's metadata, with an endpoint in the place of its placeholder.
const NODE: &str = r#"{
  "endpoint": "https://node.example/distributor/",
  "location": {
    "countryCode": "SG",
    "city": "Singapore",
    "coordinates": {
      "latitude": 1,
      "longitude": 104
    }
  },
  "extra": "Welcome to Joystream - Singapore branch!"
}"#;

#[test]
fn every_command_of_the_leads_guide_does_what_the_guide_says() {
    let commands: Vec<String> = GUIDE.iter().flat_map(|(name, text)| part(name, text)).collect();
    let mut printed = PRINTED.iter().peekable();
    for command in &commands {
        // A question is answered by what stands before the command.
        let plain = command.rsplit("| ").next().unwrap_or(command).trim_end_matches(" 2>/dev/null");
        let plain = plain.trim_start_matches("joystream-distributor ");
        printed.next_if(|next| **next == plain);
    }
    assert_eq!(printed.next(), None, "the guide prints it, and it did not run in the guide's order");
}

/// Runs one part on a network of its own; gives its commands.
fn part(name: &str, text: &str) -> Vec<String> {
    let stage = Stage::open().with_channels(111);
    let config = format!(
        "keys:\n  - suri: //distribution-lead\n  - suri: //distribution-1\nendpoints:\n  directory: {}\n",
        stage.url
    );
    for (file, content) in [("config.yml", config.as_str()), ("family.json", FAMILY), ("node.json", NODE)] {
        fs::write(stage.home().join(file), content).unwrap();
    }
    let environment = [("ARGOSY_DIRECTORY", stage.url.clone())];
    transcript::run(name, text, &stage.home(), &stage.bin(), &environment).commands
}
