//! Lists and facts as they look on a terminal of 80 columns, from data; all that others wrote is nasty.

use super::{
    bags, buckets, council, families,
    format::facts,
    hiring, objects, people, removed, rules,
    transactions::{self, EventWords, Shown, Signed},
    workers,
};
use argosy_api::directory::{
    AcceptanceView, ApplicationView, BagView, ChannelView, CouncilView, DistributionBucketView, FamilyView,
    FeesView, GroupName, GroupView, MemberView, ObjectView, OpeningView, OperatorStatus, OperatorView,
    PolicyView, ProposalView, ReceiptView, RecordView, RejectView, ReleaseView, ResignationView,
    StorageBucketView, WorkerView,
};
use argosy_domain::{
    AccountId, ApplicationId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId, FamilyId,
    MemberId, OpeningId, ProposalId, ReleaseId, StorageBucketId, WorkerId, WorkingGroup,
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fs, path::Path};
use unicode_width::UnicodeWidthStr as _;

const HOUR: u64 = 3_600_000;
/// 2026-11-21 14:00:00 UTC.
const NOW: u64 = 1_795_269_600_000;
/// Clears a screen, sets a title, turns writing round, breaks a line.
const NASTY: &str = "x\u{1b}[2J\u{9b}31m\u{1b}]0;t\u{7}\u{202e}\r\ny 日本";

fn account(byte: u8) -> AccountId {
    AccountId([byte; 32])
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn operator(worker: u64, status: OperatorStatus) -> OperatorView {
    OperatorView {
        worker: WorkerId(worker),
        status,
        endpoint: Some(format!("http://{NASTY}:3333")),
        transactor: Some(account(3)),
        metadata: Some(map(json!({"location": {"city": NASTY}, "extra": NASTY}))),
        leaves_ms: (worker == 9).then_some(NOW + 50 * HOUR),
    }
}

fn storage(id: u64, operator: Option<OperatorView>) -> StorageBucketView {
    StorageBucketView {
        id: StorageBucketId(id),
        operator,
        accepting_new_bags: id == 0,
        size_limit: 1 << 40,
        objects_limit: 1_000_000,
        size_used: 3 << 29,
        objects_used: 1_234,
        assigned_bags: 17,
        holdings_height: (id == 0).then_some(4_711),
        holdings_except_count: 2,
    }
}

fn distribution(index: u64, distributing: bool, operators: Vec<OperatorView>) -> DistributionBucketView {
    DistributionBucketView {
        id: DistributionBucketId { family: FamilyId(0), index },
        accepting_new_bags: true,
        distributing,
        operators,
        assigned_bags: 3,
    }
}

fn object(id: u64, accepted: bool) -> ObjectView {
    ObjectView {
        id: DataObjectId(id),
        content_id: ContentId::of(b"7"),
        size: 5_000_000,
        bag: BagId::channel(ChannelId(7)),
        accepted: accepted.then_some(AcceptanceView { height: 40, bucket: StorageBucketId(0) }),
        asset_set: None,
        bond: 383_499_834,
        moved_height: None,
        blacklisted: false,
        storage_buckets: vec![StorageBucketId(0), StorageBucketId(1)],
        distribution_buckets: vec![DistributionBucketId { family: FamilyId(0), index: 1 }],
        holders: if accepted { vec![StorageBucketId(0)] } else { Vec::new() },
    }
}

fn places() -> Vec<(&'static str, String)> {
    let active = |worker| operator(worker, OperatorStatus::Active);
    let bag = |id, objects_number| BagView {
        id,
        objects_number,
        objects_total_size: objects_number << 20,
        private: objects_number > 9,
        storage_buckets: (0..objects_number).map(StorageBucketId).collect(),
        distribution_buckets: vec![DistributionBucketId { family: FamilyId(0), index: 1 }],
    };
    let buckets = [
        storage(0, Some(active(1))),
        storage(1, Some(operator(2, OperatorStatus::Invited))),
        storage(2, None),
    ];
    let distributing =
        [distribution(0, true, vec![active(1), active(9)]), distribution(1, false, Vec::new())];
    let family = FamilyView {
        id: FamilyId(0),
        buckets: distributing.iter().map(|bucket| bucket.id).collect(),
        metadata: Some(map(json!({"region": NASTY, "description": NASTY, "areas": [{"countryCode": "NO"}]}))),
    };
    let objects = [object(1, true), object(2, false)];
    vec![
        (
            "bags",
            bags::sheet(&[bag(BagId::channel(ChannelId(7)), 2), bag(BagId::member(MemberId(1)), 30)]).at_80(),
        ),
        ("storage buckets", buckets::storage_sheet(&buckets).at_80()),
        ("storage bucket", facts(&buckets::storage_facts(&buckets[0], NOW))),
        ("distribution buckets", buckets::distribution_sheet(&distributing).at_80()),
        ("distribution bucket", facts(&buckets::distribution_facts(&distributing[0], NOW))),
        ("families", families::sheet(std::slice::from_ref(&family)).at_80()),
        ("family", facts(&families::facts(&family))),
        ("objects", objects::sheet(&objects).at_80()),
        ("object", facts(&objects::facts(&objects[0], true))),
    ]
}

fn people_of_groups() -> Vec<(&'static str, String)> {
    let group = GroupName(WorkingGroup::Distribution);
    let worker = WorkerView {
        id: WorkerId(3),
        member: MemberId(12),
        is_lead: true,
        role_account: account(1),
        reward_account: account(2),
        staking_account: account(3),
        stake: 20_000_000_000,
        reward_per_period: 123_456,
        missed_reward: 0,
        unstaking_period_ms: 7 * 24 * HOUR,
        leaves_ms: Some(NOW + 72 * HOUR),
        hired_ms: NOW - 3 * HOUR,
    };
    let view = GroupView {
        name: group,
        lead: Some(WorkerId(3)),
        lead_account: Some(account(1)),
        budget: 1_000_000,
        workers_count: 4,
        openings_count: 1,
        applications_count: 0,
        next_reward_ms: NOW + HOUR,
        status_text: Some(NASTY.to_owned()),
    };
    let opening = OpeningView {
        id: OpeningId(1),
        kind: NASTY.to_owned(),
        description: "ab".repeat(32),
        stake: 500,
        unstaking_period_ms: HOUR,
        reward_per_period: 7,
        created_ms: NOW - 100_000,
    };
    let application = ApplicationView {
        id: ApplicationId(2),
        opening: OpeningId(1),
        member: MemberId(12),
        role_account: account(1),
        reward_account: account(2),
        staking_account: account(3),
        stake: 500,
        description: NASTY.to_owned(),
    };
    vec![
        ("workers", workers::sheet(std::slice::from_ref(&worker), NOW).at_80()),
        ("worker", facts(&workers::facts(&worker, group, NOW, true))),
        ("groups", workers::group_sheet(std::slice::from_ref(&view)).at_80()),
        ("group", facts(&workers::group_facts(&view, NOW, false))),
        ("openings", hiring::opening_sheet(std::slice::from_ref(&opening), NOW).at_80()),
        ("opening", facts(&hiring::opening_facts(&opening, group, NOW, false))),
        ("applications", hiring::application_sheet(std::slice::from_ref(&application)).at_80()),
        ("application", facts(&hiring::application_facts(&application, group, false))),
    ]
}

fn members() -> Vec<(&'static str, String)> {
    let member = |id, handle: &str| MemberView {
        id: MemberId(id),
        handle: handle.to_owned(),
        account: account(1),
        root: Some(account(2)),
    };
    let channel =
        ChannelView { id: ChannelId(7), owner: MemberId(1), collaborators: vec![MemberId(2), MemberId(3)] };
    let release = ReleaseView {
        id: ReleaseId(0),
        program: NASTY.to_owned(),
        version: "1.2.0".to_owned(),
        published_ms: NOW - HOUR,
        run_by_ms: NOW + 100 * HOUR,
    };
    let proposal = ProposalView {
        id: ProposalId(4),
        action: "fundGroup".to_owned(),
        arguments: map(json!({"group": "storage", "amount": "1000", "note": NASTY})),
        approvals: vec![account(1)],
        expires_ms: NOW + 100 * HOUR,
    };
    let council = CouncilView {
        keys: vec![account(1), account(2)],
        threshold: 2,
        secretary: None,
        proposals: vec![proposal.clone()],
    };
    vec![
        ("members", people::member_sheet(&[member(0, "alice"), member(1, NASTY)]).at_80()),
        ("member", facts(&people::member_facts(&member(1, NASTY)))),
        ("channels", people::channel_sheet(&[channel]).at_80()),
        ("releases", council::release_sheet(std::slice::from_ref(&release), NOW).at_80()),
        ("release", facts(&council::release_facts(&release, NOW))),
        ("council", facts(&council::council_facts(&council))),
        ("proposals", council::proposal_sheet(&[proposal], 2, NOW).at_80()),
    ]
}

fn money() -> Vec<(&'static str, String)> {
    let policy = |bag_type: &str| PolicyView {
        bag_type: bag_type.to_owned(),
        storage_buckets: 5,
        families: BTreeMap::from([("0".to_owned(), 3), (NASTY.to_owned(), 2)]),
        data_size_fee: 8_333_330,
        data_object_state_bloat_bond: 383_499_834,
    };
    let fees = FeesView {
        transaction_fee: 1,
        transaction_byte_fee: 20,
        transaction_weight_fee: 3_000,
        data_size_fee: 8_333_330,
        data_object_state_bloat_bond: 383_499_834,
    };
    let resignation = ResignationView {
        group: NASTY.to_owned(),
        bucket: "0:1".to_owned(),
        worker: WorkerId(3),
        at_ms: NOW + 30 * HOUR,
    };
    vec![
        ("policy", rules::policy_sheet(&[policy("Member"), policy("Channel")], false).at_80()),
        ("fees", facts(&rules::fees_facts(&fees, false))),
        ("fees on mainnet", facts(&rules::fees_facts(&fees, true))),
        ("resignations", removed::resignation_sheet(&[resignation], NOW).at_80()),
    ]
}

fn signed() -> Vec<(&'static str, String)> {
    let arguments = map(json!({"bucket": "0:1", "message": NASTY, "distributing": false}));
    let error = RejectView { number: 401, code: "NO_BUCKET".to_owned(), message: NASTY.to_owned() };
    let record = |index, error: Option<RejectView>| RecordView {
        hash: "ab".repeat(32),
        height: 4_711,
        index: Some(index),
        refusal: None,
        time_ms: NOW - HOUR * 50,
        signer: account(1),
        nonce: 5,
        tip: 0,
        call: "distribution.updateDistributionBucketMode".to_owned(),
        words: "update distribution bucket mode".to_owned(),
        arguments: arguments.clone(),
        result: if error.is_some() { "failed" } else { "succeeded" }.to_owned(),
        error,
        proof: None,
    };
    let shown = |signed, error: Option<RejectView>| Shown {
        receipt: ReceiptView {
            hash: "ab".repeat(32),
            height: 4_711,
            index: 2,
            time_ms: NOW - HOUR * 50,
            error,
            events: Vec::new(),
        },
        signed,
        events: vec![EventWords {
            kind: "BagPrivacySet",
            fields: map(json!({"bag": NASTY, "private": true})),
        }],
    };
    let signed = Signed {
        signer: account(1).to_string(),
        nonce: 5,
        tip: "12000".to_owned(),
        call: "content.setBagPrivacy".to_owned(),
        words: "set bag privacy".to_owned(),
        arguments: arguments.clone(),
    };
    vec![
        (
            "transactions",
            transactions::sheet(&[record(0, None), record(1, Some(error.clone()))], NOW).at_80(),
        ),
        ("transaction", transactions::page(&shown(Some(signed), None), NOW, false)),
        ("transaction of a block that is gone", transactions::page(&shown(None, Some(error)), NOW, false)),
    ]
}

/// Compares with a file, so that a change of looks is a change that is seen. Stale, it is written anew.
#[test]
fn everything_looks_as_it_did() {
    let all = [places(), people_of_groups(), members(), money(), signed()].concat();
    let mut screens = String::new();
    for (name, screen) in all {
        screens.push_str(&format!("== {name}\n{screen}\n\n"));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/look/screens.txt");
    let known = fs::read_to_string(&file).unwrap_or_default();
    if known != screens {
        fs::write(&file, &screens).unwrap();
    }
    assert_eq!(known, screens, "{} was written anew: look at the difference", file.display());
}

#[test]
fn nothing_that_others_wrote_reaches_the_terminal_raw_or_breaks_a_table() {
    for (name, screen) in [places(), people_of_groups(), members(), money(), signed()].concat() {
        let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}' || c == '\u{9b}';
        assert!(!screen.contains(raw), "{name}: {screen:?}");
        let is_table = screen.lines().next().is_some_and(|line| line == line.to_uppercase());
        let widest = screen.lines().map(|line| line.width()).max().unwrap_or(0);
        assert!(!is_table || widest <= 80, "{name} has {widest} columns:\n{screen}");
    }
}
