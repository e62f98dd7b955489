//! All entities: the storage-squid's under its names, then Argosy's own.
//!
//! Source of the first part: `spec/directory.md` §13.1. What Argosy adds to an entity of the squid
//! stands last in it and is said to be an addition.

mod own;

use crate::entity::{Composite, Entity, EnumType, Field, Items, Kind, Scalar, Union};

const fn text(name: &'static str) -> Field {
    Field::new(name, Kind::Scalar(Scalar::Text))
}
const fn int(name: &'static str) -> Field {
    Field::new(name, Kind::Scalar(Scalar::Int))
}
const fn big(name: &'static str) -> Field {
    Field::new(name, Kind::Scalar(Scalar::BigInt))
}
const fn flag(name: &'static str) -> Field {
    Field::new(name, Kind::Scalar(Scalar::Boolean))
}
const fn float(name: &'static str) -> Field {
    Field::new(name, Kind::Scalar(Scalar::Float))
}
const fn time(name: &'static str) -> Field {
    Field::new(name, Kind::Scalar(Scalar::DateTime))
}
const fn choice(name: &'static str, kind: &'static EnumType) -> Field {
    Field::new(name, Kind::Scalar(Scalar::Enum(kind)))
}
const fn object(name: &'static str, kind: &'static Composite) -> Field {
    Field::new(name, Kind::Object(kind))
}
const fn union(name: &'static str, kind: &'static Union) -> Field {
    Field::new(name, Kind::Union(kind))
}
const fn list(name: &'static str, items: Items) -> Field {
    Field::new(name, Kind::List(items))
}
const fn one(name: &'static str, entity: &'static str) -> Field {
    Field::new(name, Kind::One(entity))
}
const fn back(name: &'static str, entity: &'static str, field: &'static str) -> Field {
    Field::new(name, Kind::Back(entity, field)).null()
}
const fn many(name: &'static str, entity: &'static str, field: &'static str) -> Field {
    Field::new(name, Kind::Many(entity, field))
}

const ID: Field = text("id");
/// Field of an event with its transaction's hash.
pub(crate) const IN_TRANSACTION: &str = "inExtrinsic"; // Joystream's word.

static GEO_COORDINATES: Composite =
    Composite { name: "GeoCoordinates", fields: &[float("latitude").null(), float("longitude").null()] };
static NODE_LOCATION: Composite = Composite {
    name: "NodeLocationMetadata",
    fields: &[
        text("countryCode").null().doc("ISO 3166-1 alpha-2 code of the country."),
        text("city").null(),
        object("coordinates", &GEO_COORDINATES).null(),
    ],
};

static OPERATOR_STATUS: Union = Union {
    name: "StorageBucketOperatorStatus",
    variants: &[
        &Composite { name: "StorageBucketOperatorStatusMissing", fields: &[int("phantom").null()] },
        &Composite { name: "StorageBucketOperatorStatusInvited", fields: &[int("workerId")] },
        &Composite {
            name: "StorageBucketOperatorStatusActive",
            fields: &[int("workerId"), text("transactorAccountId")],
        },
    ],
};

static BAG_OWNER: Union = Union {
    name: "StorageBagOwner",
    variants: &[
        &Composite { name: "StorageBagOwnerCouncil", fields: &[int("phantom").null()] },
        &Composite { name: "StorageBagOwnerWorkingGroup", fields: &[text("workingGroupId").null()] },
        &Composite { name: "StorageBagOwnerMember", fields: &[text("memberId").null()] },
        &Composite { name: "StorageBagOwnerChannel", fields: &[text("channelId").null()] },
        &Composite { name: "StorageBagOwnerDAO", fields: &[text("daoId").null()] },
    ],
};

static OBJECT_TYPE: Union = Union {
    name: "DataObjectType",
    variants: &[&Composite {
        name: "DataObjectTypeVideoSubtitle",
        fields: &[one("subtitle", "VideoSubtitle")],
    }],
};

static CONTINENT: EnumType =
    EnumType { name: "Continent", values: &["AF", "NA", "OC", "AN", "AS", "EU", "SA"] };
static AREA: Union = Union {
    name: "GeographicalArea",
    variants: &[
        &Composite { name: "GeographicalAreaContinent", fields: &[choice("code", &CONTINENT).null()] },
        &Composite { name: "GeographicalAreaCountry", fields: &[text("code").null()] },
        &Composite { name: "GeographicalAreaSubdivistion", fields: &[text("code").null()] },
    ],
};

static META_RESULT: Union = Union {
    name: "MetaprotocolTransactionResult",
    variants: &[
        &Composite { name: "MetaprotocolTransactionResultOK", fields: &[int("phantom").null()] },
        &Composite { name: "MetaprotocolTransactionResultFailed", fields: &[text("errorMessage")] },
    ],
};
static EVENT_DATA: Union = Union {
    name: "EventData",
    variants: &[
        &Composite {
            name: "MetaprotocolTransactionStatusEventData",
            fields: &[union("result", &META_RESULT)],
        },
        &Composite { name: "DataObjectDeletedEventData", fields: &[text("dataObjectId").indexed()] },
    ],
};

static OPERATOR_STATE: EnumType =
    EnumType { name: "DistributionBucketOperatorStatus", values: &["INVITED", "ACTIVE"] };
/// Every entity.
pub(crate) static ENTITIES: &[&Entity] = &[
    &STORAGE_BUCKET,
    &STORAGE_BUCKET_OPERATOR_METADATA,
    &STORAGE_BAG,
    &STORAGE_BUCKET_BAG,
    &DISTRIBUTION_BUCKET_BAG,
    &STORAGE_DATA_OBJECT,
    &VIDEO_SUBTITLE,
    &DISTRIBUTION_BUCKET_FAMILY,
    &DISTRIBUTION_BUCKET_FAMILY_METADATA,
    &DISTRIBUTION_BUCKET,
    &DISTRIBUTION_BUCKET_OPERATOR,
    &DISTRIBUTION_BUCKET_OPERATOR_METADATA,
    &EVENT,
    &own::MEMBER,
    &own::CHANNEL,
    &own::ASSET_SET,
    &own::WORKING_GROUP,
    &own::WORKER,
    &own::OPENING,
    &own::APPLICATION,
    &own::POLICY,
    &own::POLICY_FAMILY,
    &own::SETTINGS,
    &own::BLACKLISTED,
    &own::BLOCK,
    &own::TRANSACTION,
    &own::PROPOSAL,
    &own::COUNCIL,
    &own::RELEASE,
];

/// The entity of this name.
///
/// # Panics
/// If there is none: entities name only each other, which a test makes sure of.
pub(crate) fn entity(name: &str) -> &'static Entity {
    let found = ENTITIES.iter().copied().find(|entity| entity.name == name);
    found.expect("entities name only each other")
}

static STORAGE_BUCKET: Entity = Entity {
    name: "StorageBucket",
    plural: "storageBuckets",
    doc: "A promise to keep bags.",
    fields: &[
        ID,
        union("operatorStatus", &OPERATOR_STATUS).doc("Who operates it."),
        back("operatorMetadata", "StorageBucketOperatorMetadata", "storageBucket"),
        flag("acceptingNewBags").doc("Whether new bags may be assigned."),
        many("bags", "StorageBucketBag", "storageBucket"),
        big("dataObjectsSizeLimit").doc("Voucher: most bytes."),
        big("dataObjectCountLimit").doc("Voucher: most objects."),
        big("dataObjectsCount").doc("Objects of its bags."),
        big("dataObjectsSize").doc("Bytes of the objects of its bags."),
        time("createdAt").null().doc("Addition: when it was made. Null for what a snapshot had."),
        int("holdingsHeight")
            .null()
            .doc("Addition: height up to which the operator last reported to hold all."),
        int("holdingsExceptCount").null().doc("Addition: objects that this report excepts."),
        time("resignsAt").null().doc("Addition: when the operator, who gave notice, is let go."),
    ],
    hidden: &[],
};

static STORAGE_BUCKET_OPERATOR_METADATA: Entity = Entity {
    name: "StorageBucketOperatorMetadata",
    plural: "storageBucketOperatorMetadata",
    doc: "What the operator of a storage bucket says of its node.",
    fields: &[
        ID,
        one("storageBucket", "StorageBucket"),
        text("nodeEndpoint").null().doc("Root URL of the node; clients append api/v1."),
        object("nodeLocation", &NODE_LOCATION).null(),
        text("extra").null(),
    ],
    hidden: &["raw"],
};

static STORAGE_BAG: Entity = Entity {
    name: "StorageBag",
    plural: "storageBags",
    doc: "Data objects that are placed as one. Static bags appear once something was written to them.",
    fields: &[
        ID,
        many("objects", "StorageDataObject", "storageBag"),
        many("storageBuckets", "StorageBucketBag", "bag"),
        many("distributionBuckets", "DistributionBucketBag", "bag"),
        union("owner", &BAG_OWNER),
        flag("isPrivate").doc("Addition: whether nodes ask for a signed URL or a role key."),
        time("createdAt")
            .null()
            .doc("Addition: when it was made, or first written to. Null for what a snapshot had."),
        many("assetSets", "AssetSet", "bag").doc("Addition: named sets of its objects."),
    ],
    hidden: &[],
};

static STORAGE_BUCKET_BAG: Entity = Entity {
    name: "StorageBucketBag",
    plural: "storageBucketBags",
    doc: "That a storage bucket must keep a bag.",
    fields: &[
        ID,
        one("storageBucket", "StorageBucket"),
        one("bag", "StorageBag"),
        int("assignedInBlock").doc("Addition: height of the assignment."),
    ],
    hidden: &[],
};

static DISTRIBUTION_BUCKET_BAG: Entity = Entity {
    name: "DistributionBucketBag",
    plural: "distributionBucketBags",
    doc: "That a distribution bucket must deliver a bag.",
    fields: &[
        ID,
        one("distributionBucket", "DistributionBucket"),
        one("bag", "StorageBag"),
        int("assignedInBlock")
            .null()
            .doc("Addition: height of the assignment. Null for what a snapshot had."),
    ],
    hidden: &[],
};

static STORAGE_DATA_OBJECT: Entity = Entity {
    name: "StorageDataObject",
    plural: "storageDataObjects",
    doc: "Immutable bytes that someone promised to keep.",
    fields: &[
        ID,
        time("createdAt").null().doc("Null for what a snapshot had."),
        flag("isAccepted").doc("Whether a storage bucket reported to hold it."),
        big("acceptingBucketId")
            .null()
            .doc("The storage bucket that reported so last; for what a snapshot had, first."),
        big("size").doc("Bytes."),
        one("storageBag", "StorageBag"),
        text("ipfsHash").indexed().doc("Content id: base58 multihash of the BLAKE3 root."),
        union("type", &OBJECT_TYPE).null().doc("Always null: the directory knows no subtitles."),
        big("stateBloatBond"),
        time("acceptedAt").null().doc("Addition: when it was first accepted. Null for what a snapshot had."),
        one("assetSet", "AssetSet").null().doc("Addition: the named set that it belongs to."),
    ],
    hidden: &[],
};

static VIDEO_SUBTITLE: Entity = Entity {
    name: "VideoSubtitle",
    plural: "videoSubtitles",
    doc: "Kept for clients of the squid; has no rows, since the directory knows no subtitles.",
    fields: &[ID, text("mimeType"), one("asset", "StorageDataObject").null()],
    hidden: &[],
};

static DISTRIBUTION_BUCKET_FAMILY: Entity = Entity {
    name: "DistributionBucketFamily",
    plural: "distributionBucketFamilies",
    doc: "Distribution buckets chosen together, mostly a region.",
    fields: &[
        ID,
        back("metadata", "DistributionBucketFamilyMetadata", "family"),
        many("buckets", "DistributionBucket", "family"),
        time("createdAt").null().doc("Addition: when it was made. Null for what a snapshot had."),
    ],
    hidden: &[],
};

static DISTRIBUTION_BUCKET_FAMILY_METADATA: Entity = Entity {
    name: "DistributionBucketFamilyMetadata",
    plural: "distributionBucketFamilyMetadata",
    doc: "What the lead says of a family.",
    fields: &[
        ID,
        one("family", "DistributionBucketFamily"),
        text("region").null(),
        text("description").null(),
        list("areas", Items::Union(&AREA)).null(),
        list("latencyTestTargets", Items::Texts).null(),
    ],
    hidden: &["raw"],
};

static DISTRIBUTION_BUCKET: Entity = Entity {
    name: "DistributionBucket",
    plural: "distributionBuckets",
    doc: "A promise to deliver bags.",
    fields: &[
        ID,
        one("family", "DistributionBucketFamily"),
        int("bucketIndex"),
        many("operators", "DistributionBucketOperator", "distributionBucket"),
        flag("acceptingNewBags"),
        flag("distributing"),
        many("bags", "DistributionBucketBag", "distributionBucket"),
        time("createdAt").null().doc("Addition: when it was made. Null for what a snapshot had."),
    ],
    hidden: &[],
};

static DISTRIBUTION_BUCKET_OPERATOR: Entity = Entity {
    name: "DistributionBucketOperator",
    plural: "distributionBucketOperators",
    doc: "A worker's tie to a distribution bucket.",
    fields: &[
        ID,
        one("distributionBucket", "DistributionBucket"),
        int("workerId").indexed(),
        choice("status", &OPERATOR_STATE),
        back("metadata", "DistributionBucketOperatorMetadata", "distirbutionBucketOperator"),
        time("resignsAt").null().doc("Addition: when the operator, who gave notice, is let go."),
    ],
    hidden: &[],
};

static DISTRIBUTION_BUCKET_OPERATOR_METADATA: Entity = Entity {
    name: "DistributionBucketOperatorMetadata",
    plural: "distributionBucketOperatorMetadata",
    doc: "What an operator of a distribution bucket says of its node.",
    fields: &[
        ID,
        one("distirbutionBucketOperator", "DistributionBucketOperator").doc("Spelt as the squid spells it."),
        text("nodeEndpoint").null(),
        object("nodeLocation", &NODE_LOCATION).null(),
        text("extra").null(),
    ],
    hidden: &["raw"],
};

static EVENT: Entity = Entity {
    name: "Event",
    plural: "events",
    doc: "Deletions of data objects, kept for ever: storage nodes delete nothing without one.",
    fields: &[
        ID,
        int("inBlock").indexed(),
        text(IN_TRANSACTION).null().doc("Hash of the transaction; null for events of the block itself."),
        int("indexInBlock"),
        time("timestamp"),
        union("data", &EVENT_DATA),
    ],
    hidden: &[],
};
