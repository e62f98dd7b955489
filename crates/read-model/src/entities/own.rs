//! Argosy's own entities: what the squid's schema lacks.

use super::{ID, big, choice, flag, int, list, many, one, text, time};
use crate::entity::{Entity, EnumType, Items};

static WORKER_STATUS: EnumType =
    EnumType { name: "WorkerStatus", values: &["ACTIVE", "LEAVING", "LEFT", "TERMINATED"] };
static OPENING_KIND: EnumType = EnumType { name: "OpeningKind", values: &["REGULAR", "LEADER"] };
static OPENING_STATUS: EnumType =
    EnumType { name: "OpeningStatus", values: &["OPEN", "FILLED", "CANCELLED"] };
static APPLICATION_STATUS: EnumType =
    EnumType { name: "ApplicationStatus", values: &["PENDING", "ACCEPTED", "WITHDRAWN"] };
static PROPOSAL_STATUS: EnumType =
    EnumType { name: "ProposalStatus", values: &["OPEN", "EXECUTED", "LAPSED"] };

pub(super) static MEMBER: Entity = Entity {
    name: "Member",
    plural: "members",
    doc: "A member.",
    fields: &[
        ID,
        text("handle").indexed(),
        text("controllerAccount").indexed().doc("Acts for the member."),
        text("rootAccount").doc("May replace both accounts."),
        list("stakingAccounts", Items::Texts).doc("Accounts that may stake for the member."),
        time("createdAt").null().doc("Null for what a snapshot had."),
        many("channels", "Channel", "owner"),
        many("workers", "Worker", "member"),
    ],
    hidden: &[],
};

pub(super) static CHANNEL: Entity = Entity {
    name: "Channel",
    plural: "channels",
    doc: "A channel; deleted ones have no row.",
    fields: &[
        ID,
        one("owner", "Member"),
        list("collaborators", Items::Texts).doc("Ids of members who may declare and delete its objects."),
        one("bag", "StorageBag"),
        time("createdAt").null().doc("Null for what a snapshot had."),
    ],
    hidden: &[],
};

pub(super) static ASSET_SET: Entity = Entity {
    name: "AssetSet",
    plural: "assetSets",
    doc: "Data objects of a dynamic bag under one name. The id is the bag's, a slash and the name.",
    fields: &[
        ID,
        one("bag", "StorageBag"),
        text("name"),
        many("objects", "StorageDataObject", "assetSet"),
        time("createdAt").null().doc("Null for what a snapshot had."),
    ],
    hidden: &[],
};

pub(super) static WORKING_GROUP: Entity = Entity {
    name: "WorkingGroup",
    plural: "workingGroups",
    doc: "A working group that the directory runs; the id is its name as in the bag static:wg:<name>.",
    fields: &[
        ID,
        one("lead", "Worker").null(),
        big("budget").doc("What it can pay."),
        text("statusTextHash").null().doc("Hash of what the lead says of the state of the group."),
        many("workers", "Worker", "group"),
        many("openings", "WorkingGroupOpening", "group"),
        many("applications", "WorkingGroupApplication", "group"),
    ],
    hidden: &[],
};

pub(super) static WORKER: Entity = Entity {
    name: "Worker",
    plural: "workers",
    doc: "A worker; the id is the group's, a dash and the number. Those who left keep their row.",
    fields: &[
        ID,
        one("group", "WorkingGroup"),
        int("runtimeId").doc("Number in the group: the workerId of operators."),
        one("member", "Member"),
        choice("status", &WORKER_STATUS),
        flag("isLead"),
        text("roleAccount").indexed(),
        text("rewardAccount"),
        text("stakingAccount"),
        big("stake"),
        big("rewardPerPeriod"),
        big("rewardsPaid").null().doc("Sum of all that was paid. Null for workers whom a snapshot had."),
        time("hiredAt"),
        time("leavesAt").null().doc("When it is gone, once it is leaving."),
        time("leftAt").null(),
    ],
    hidden: &[],
};

pub(super) static OPENING: Entity = Entity {
    name: "WorkingGroupOpening",
    plural: "workingGroupOpenings",
    doc: "A place in a working group that members may apply for.",
    fields: &[
        ID,
        one("group", "WorkingGroup"),
        int("runtimeId"),
        choice("kind", &OPENING_KIND),
        choice("status", &OPENING_STATUS),
        text("descriptionHash"),
        big("stake").doc("Least stake of an application."),
        big("unstakingPeriodMs"),
        big("rewardPerPeriod"),
        time("createdAt"),
        many("applications", "WorkingGroupApplication", "opening"),
    ],
    hidden: &[],
};

pub(super) static APPLICATION: Entity = Entity {
    name: "WorkingGroupApplication",
    plural: "workingGroupApplications",
    doc: "A member's wish to be hired.",
    fields: &[
        ID,
        one("group", "WorkingGroup"),
        int("runtimeId"),
        one("opening", "WorkingGroupOpening")
            .null()
            .doc("Null if a snapshot had the application, and the opening was closed before."),
        one("member", "Member"),
        choice("status", &APPLICATION_STATUS),
        text("roleAccount"),
        text("rewardAccount"),
        text("stakingAccount"),
        big("stake"),
        text("descriptionHash"),
        time("createdAt").null().doc("Null for what a snapshot had."),
    ],
    hidden: &[],
};

pub(super) static POLICY: Entity = Entity {
    name: "DynamicBagCreationPolicy",
    plural: "dynamicBagCreationPolicies",
    doc: "How many buckets a new bag of a kind is given; the id is Member or Channel.",
    fields: &[
        ID,
        int("numberOfStorageBuckets"),
        many("families", "DynamicBagCreationPolicyFamily", "policy"),
    ],
    hidden: &[],
};

pub(super) static POLICY_FAMILY: Entity = Entity {
    name: "DynamicBagCreationPolicyFamily",
    plural: "dynamicBagCreationPolicyFamilies",
    doc: "Distribution buckets of one family that a new bag is given.",
    fields: &[
        ID,
        one("policy", "DynamicBagCreationPolicy"),
        one("family", "DistributionBucketFamily").null().doc("Null if the family was deleted since."),
        int("numberOfBuckets"),
    ],
    hidden: &[],
};

pub(super) static SETTINGS: Entity = Entity {
    name: "DirectorySettings",
    plural: "directorySettings",
    doc: "What leads and the council set: limits, fees and the like. One row, with the id 0.",
    fields: &[
        ID,
        text("network"),
        flag("uploadingBlocked"),
        big("dataObjectPerMegabyteFee"),
        big("dataObjectStateBloatBond"),
        int("storageBucketsPerBagLimit"),
        int("distributionBucketsPerBagLimit"),
        big("voucherMaxObjectsSizeLimit"),
        big("voucherMaxObjectsNumberLimit"),
        big("maxDataObjectSize"),
        big("maxDistributionBucketFamilies"),
        big("blacklistSizeLimit"),
        int("maxStorageBucketsPerWorker"),
        int("maxAssetsPerSet"),
        int("maxWorkersPerGroup"),
        big("transactionFee"),
        big("transactionByteFee"),
        big("transactionWeightFee"),
        big("rewardPeriodMs"),
        big("minUnstakingPeriodMs"),
        big("minApplicationStake"),
        big("openingDeposit"),
        big("resignationNoticeMs"),
        big("proposalLifeMs"),
    ],
    hidden: &[],
};

pub(super) static BLACKLISTED: Entity = Entity {
    name: "BlacklistedContent",
    plural: "blacklistedContents",
    doc: "A content id that nodes do not pass on.",
    fields: &[ID, time("addedAt").null().doc("Null for what a snapshot had.")],
    hidden: &[],
};

pub(super) static BLOCK: Entity = Entity {
    name: "Block",
    plural: "blocks",
    doc: "A block with transactions or events; empty ones have no row. The id is the height.",
    fields: &[
        ID,
        int("height").indexed(),
        text("hash").indexed(),
        time("timestamp"),
        int("transactionsCount"),
        many("transactions", "Transaction", "block"),
    ],
    hidden: &[],
};

pub(super) static TRANSACTION: Entity = Entity {
    name: "Transaction",
    plural: "transactions",
    doc: "A signed call and what became of it, failed ones too. The id is its hash.",
    fields: &[
        ID,
        one("block", "Block"),
        int("height").indexed().doc("That of its block."),
        int("indexInBlock"),
        time("timestamp").doc("That of its block."),
        text("signer").indexed(),
        big("nonce"),
        text("call").indexed().doc("Module and name, such as storage.updateStorageBucketStatus."),
        text("arguments")
            .null()
            .doc("A JSON object with the arguments by name. Null if it would be longer than 64 KiB."),
        flag("argumentsTruncated").doc("Whether the arguments are left out for their length."),
        flag("success"),
        text("errorCode").null(),
        int("errorNumber").null(),
        text("errorMessage").null(),
        int("eventsCount"),
    ],
    hidden: &[],
};

pub(super) static PROPOSAL: Entity = Entity {
    name: "CouncilProposal",
    plural: "councilProposals",
    doc: "What the council was asked to do.",
    fields: &[
        ID,
        choice("status", &PROPOSAL_STATUS),
        text("proposer").null().doc("Null for what a snapshot had."),
        list("approvals", Items::Texts).doc("Keys that approve, or approved when it was decided."),
        text("action").null().doc(
            "A JSON object: the action, and its arguments by name. Null if it would be longer than 64 KiB.",
        ),
        flag("actionTruncated").doc("Whether the action is left out for its length."),
        time("createdAt").null().doc("Null for what a snapshot had."),
        time("decidedAt").null(),
    ],
    hidden: &[],
};

pub(super) static COUNCIL: Entity = Entity {
    name: "Council",
    plural: "councils",
    doc: "Keys that propose and approve. One row, with the id 0.",
    fields: &[ID, list("keys", Items::Texts), int("threshold"), text("secretary").null()],
    hidden: &[],
};

pub(super) static RELEASE: Entity = Entity {
    name: "Release",
    plural: "releases",
    doc: "A version of a program that nodes must run.",
    fields: &[
        ID,
        text("program").indexed(),
        text("version"),
        time("publishedAt"),
        time("runBy").doc("From then on nodes are judged by it."),
    ],
    hidden: &[],
};
