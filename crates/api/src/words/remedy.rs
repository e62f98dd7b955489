//! What would satisfy the rule that refused a transaction.

use argosy_directory::Reject;

/// What to do after a refusal, for a person at a command line: one sentence without a capital and without a
/// full stop, at most 200 characters.
///
/// Commands stand in backticks, with placeholders in capitals: `BAG`, `ID` (a storage bucket), `F` (a
/// family), `F:I` (a distribution bucket), `F:N` (a family and a number), `INDEX` (of a bucket in its family),
/// `W` (a worker), `N` (a number, or another id), `TYPE` (`Channel` or `Member`), `GROUP`, `ACCOUNT`, `CID` (a
/// content id), `NAME` and `FILE`. The tests of the command line read each of them as it would be typed.
#[must_use]
pub const fn remedy(reject: Reject) -> &'static str {
    of(reject)
}

/// Declares the match from a table, so that a reason without advice does not compile.
macro_rules! advice {
    ($($reject:ident => $text:literal;)*) => {
        const fn of(reject: Reject) -> &'static str {
            match reject { $(Reject::$reject => $text,)* }
        }
    };
}

advice! {
    UnsupportedVersion => "install the release of argosy that the network runs, and sign the transaction anew";
    WrongNetwork => "sign it anew for the network that is asked, or point --directory at the network that it was signed for";
    Expired => "send it again, which gives it a new last valid time; if that does not help, set this machine's clock";
    ValidTooLong => "sign it anew with a last valid time of at most 24 hours from now; if that does not help, set this machine's clock";
    NonceStale => "look with `argosy tx list --account ACCOUNT` whether it took effect already; if not, send it again, and it gets the account's next nonce";
    NonceFuture => "send the account's earlier transactions first: `argosy tx resume` tells what became of those that this machine sent";
    BadSignature => "sign exactly the bytes that are sent, with the key of the signer that they name: `argosy keys list` shows the keys at hand";
    CannotPayFee => "have money sent to the signer's account with `argosy account transfer ACCOUNT N`, or lower the tip: `argosy fees` shows what transactions cost";

    CurrentLeadNotSet => "wait until the council has hired a lead, for only a lead can do this: `argosy council propose hire-lead -g GROUP --opening N --application N`";
    IsNotLeadAccount => "sign with the role key of the group's lead: `argosy workers list --group GROUP` shows who that is";
    SignerIsNotWorkerRoleAccount => "sign with the role key of the worker that is named: `argosy workers list --group GROUP` shows whose account it is";
    InvalidTransactorAccount => "sign with the transactor account that was named when the bucket's invitation was accepted: `argosy buckets list` shows it";
    MemberAuthFailed => "sign with the member's controller key, or its root key where the member's own accounts are to be replaced: `argosy member show N` shows both accounts";
    ActorNotAuthorized => "sign with the controller key of the owner; collaborators of a channel may only change its objects, and the council's bag is for its secretary";
    BadOrigin => "let the council propose what concerns the lead, the lead sign what concerns other workers, and each sign what is its own";
    NotCouncilKey => "sign with one of the keys that `argosy council` shows: `argosy keys list` shows the keys at hand";
    OriginIsNotApplicant => "sign with the key of the role account that `argosy application show N --group GROUP` shows";

    VoucherMaxObjectSizeLimitExceeded => "ask for no more bytes than `argosy limits` shows, or raise the maximum first with `argosy storage leader update-voucher-limits -o N -s N`";
    VoucherMaxObjectNumberLimitExceeded => "ask for no more objects than `argosy limits` shows, or raise the maximum first with `argosy storage leader update-voucher-limits -o N -s N`";
    StorageBucketObjectNumberLimitReached => "have the lead allow the bucket more objects with `argosy storage leader set-bucket-limits -i ID -o N -s N`, or delete some that are in its bags";
    StorageBucketObjectSizeLimitReached => "have the lead allow the bucket more bytes with `argosy storage leader set-bucket-limits -i ID -o N -s N`, or delete objects that are in its bags";
    StorageBucketsPerBagLimitTooLow => "set a limit no lower than the fewest storage buckets per bag that `argosy limits` shows";
    StorageBucketsPerBagLimitTooHigh => "set a limit no higher than the most storage buckets per bag that `argosy limits` shows";
    StorageBucketPerBagLimitExceeded => "add fewer buckets, remove more of them in the same call, or raise the limit first with `argosy storage leader update-bag-limit -l N`";
    NumberOfStorageBucketsOutsideOfAllowedConstraints => "choose a number from the fewest to the most storage buckets per bag that `argosy limits` shows";
    DistributionBucketsPerBagLimitTooLow => "set a limit no lower than the fewest distribution buckets per bag that `argosy limits` shows";
    DistributionBucketsPerBagLimitTooHigh => "set a limit no higher than the most distribution buckets per bag that `argosy limits` shows";
    MaxDistributionBucketNumberPerBagLimitExceeded => "add fewer buckets, remove more of them in the same call, or raise the limit first with `argosy distribution leader set-buckets-per-bag-limit -l N`";
    NumberOfDistributionBucketsOutsideOfAllowedConstraints => "let the numbers of all families add up to no less than the fewest and no more than the most distribution buckets per bag that `argosy limits` shows";
    MaxDistributionBucketFamilyNumberLimitExceeded => "delete a family first with `argosy distribution leader delete-bucket-family -f F`, or have more allowed: `argosy council propose set-parameter max-distribution-bucket-families N`";
    MaxNumberOfPendingInvitationsLimitForDistributionBucketReached => "cancel an invitation that nobody accepts with `argosy distribution leader cancel-invitation -B F:I -w W`, or wait until one is accepted";
    MaxNumberOfOperatorsPerDistributionBucketReached => "have an operator removed with `argosy distribution leader remove-bucket-operator -B F:I -w W`, then accept again: the invitation stays";
    MaxDataObjectSizeExceeded => "split the file into objects no larger than `argosy limits` shows, or have larger ones allowed: `argosy council propose set-parameter max-data-object-size N`";
    ArithmeticError => "ask for less: numbers and bytes of objects add up to less than 2^64, amounts of money to less than 2^128";
    TooManyObjects => "name at most 1 000 objects in one call and the others in further ones; of a large bag delete objects first, then the bag";
    TooManyHoldingExceptions => "fetch what is missing first, or report a lower height: a report may leave out at most 1 000 objects";
    WorkerStorageBucketLimitReached => "invite another worker, or free this one with `argosy storage leader remove-operator -i ID` or `argosy storage leader cancel-invite -i ID`";
    NotEnoughStorageBuckets => "open more operated buckets with `argosy storage leader update-bucket-status -i ID -s on`, or want fewer with `argosy storage leader update-dynamic-bag-policy -n N -t TYPE`";
    MetadataTooLarge => "shorten the texts: all that is kept of a node or a family has at most 4 096 bytes";
    TooManyCalls => "send several batches: each holds at most 100 calls";
    BlacklistSizeLimitExceeded => "take content ids off it first with `argosy storage leader update-blacklist -r CID`, or have more allowed: `argosy council propose set-parameter blacklist-size-limit N`";
    TooManyAssets => "use several asset sets, delete some of the set's objects in the same call, or have more allowed: `argosy council propose set-parameter max-assets-per-set N`";
    TooManyCollaborators => "name at most 100 collaborators";
    RemarkTooLong => "shorten the remark to at most 4 096 bytes";
    MaxActiveWorkerNumberExceeded => "hire fewer, let a worker go first, or have more allowed: `argosy council propose set-parameter max-workers-per-group N`";
    BelowMinimumStakes => "ask for at least the smallest stake that `argosy limits` shows, or have it lowered: `argosy council propose set-parameter min-application-stake N`";
    UnstakingPeriodLessThanMinimum => "choose at least the shortest unstaking period that `argosy limits` shows, or have it lowered: `argosy council propose set-parameter min-unstaking-period-ms N`";
    ApplicationStakeDoesntMatchOpening => "stake at least as much as `argosy openings list --group GROUP` shows for the opening";
    InsufficientBalance => "have more money sent to the account, or ask for less: `argosy fees` shows prices, and money that is locked only pays fees, bonds and uploads";
    InsufficientBalanceToCoverStake => "have more money sent to the staking account, or stake less: what is locked there or staked already does not count, and a lead's opening takes a deposit";
    InsufficientBudgetForSpending => "spend less, or have the budget filled: anybody may with `argosy group fund-budget -g GROUP --amount N`, and the council with `argosy council propose fund-group -g GROUP --amount N`";
    StakeDecreaseTooHigh => "decrease the stake by less than all of it: only who leaves the role gets everything back";
    TooManyProposals => "withdraw with `argosy council withdraw N` what no other key approves, or wait until open proposals are carried out or lapse: `argosy proposals list` shows them";

    StorageBucketDoesntExist => "name a storage bucket that `argosy buckets list` shows";
    DistributionBucketFamilyDoesntExist => "name a family that `argosy families list` shows, or make one with `argosy distribution leader create-bucket-family`";
    DistributionBucketDoesntExist => "name a bucket that `argosy buckets list` shows, or make one with `argosy distribution leader create-bucket -f F -a yes`";
    DynamicBagDoesntExist => "name a bag that `argosy bags list` shows: a channel's comes and goes with the channel, a member's is made with `argosy bag create-member-bag N`";
    DataObjectDoesntExist => "name objects that `argosy bag show BAG` shows: others are in another bag, were deleted or never were";
    ChannelDoesNotExist => "name a channel that `argosy channels list` shows, or make one with `argosy channel create --owner N`";
    MemberProfileNotFound => "name a member that `argosy members list` shows, or make one with `argosy member create NAME`";
    WorkerDoesNotExist => "name a worker that `argosy workers list --group GROUP` shows: who left and was hired again has a new id";
    StorageProviderOperatorDoesntExist => "invite a worker that `argosy workers list --group storage` shows, or hire one first with `argosy group fill-opening -g storage --opening N --application N`";
    DistributionProviderOperatorDoesntExist => "invite a worker that `argosy workers list --group distribution` shows, or hire one first with `argosy group fill-opening -g distribution --opening N --application N`";
    NoStorageBucketInvitation => "have the lead invite the worker first with `argosy storage leader invite-operator -i ID -w W`";
    NoDistributionBucketInvitation => "have the lead invite the worker first with `argosy distribution leader invite-bucket-operator -B F:I -w W`";
    StorageProviderMustBeSet => "have the lead invite a worker, who then runs `argosy storage operator accept-invitation -w W -i ID -t ACCOUNT`";
    NoObjectsOnUpload => "name at least one data object to declare";
    DataObjectIdParamsAreEmpty => "name at least one data object to accept";
    DataObjectIdCollectionIsEmpty => "name at least one data object";
    StorageBucketIdCollectionsAreEmpty => "name a bucket to add or one to remove, as in `argosy storage leader update-bags -i BAG -a ID -r ID`";
    DistributionBucketIdCollectionsAreEmpty => "name a bucket to add or one to remove, as in `argosy distribution leader update-bag -b BAG -f F -a INDEX -r INDEX`";
    ZeroObjectSize => "leave the empty file out: a data object has at least one byte";
    EmptyContentId => "name the content id, which `argosy storage util multihash -f FILE` prints";
    EmptyBatch => "put at least one call into the batch";
    WorkingGroupDoesntExist => "name a group that `argosy groups list` shows: storage, distribution or attestation";
    OpeningDoesNotExist => "name an opening that `argosy openings list --group GROUP` shows: others were filled or cancelled";
    WorkerApplicationDoesNotExist => "name an application that `argosy applications list --group GROUP` shows: others succeeded or were withdrawn";
    SuccessfulWorkerApplicationDoesNotExist => "leave out applications that `argosy applications list --group GROUP` does not show: they were withdrawn or have succeeded";
    NoApplicationsProvided => "name at least one application to the opening, or cancel it with `argosy group cancel-opening -g GROUP --opening N`";
    ProposalDoesntExist => "name a proposal that `argosy proposals list` shows, or propose anew: others were carried out, were withdrawn or have lapsed";
    AssetSetDoesntExist => "name an asset set of this bag, or make it first with `argosy asset-set create BAG NAME FILE`";
    CannotRewardWithZero => "name a reward of at least one base unit, or leave it out";
    StakeBalanceCannotBeZero => "name at least one base unit of stake; to end a role without a slash, leave the amount out";
    CannotFundZero => "name at least one base unit to pay into the budget";
    CannotSpendZero => "name at least one base unit to pay out of the budget";

    CannotDeleteNonEmptyStorageBucket => "have other buckets hold its bags, then take these out of it with `argosy storage leader empty-bucket --id ID`, and delete it after that";
    StorageBucketIsBoundToBag => "add only buckets that `argosy bag show BAG` does not show; take all bags out of one that is to be deleted with `argosy storage leader empty-bucket --id ID`";
    StorageBucketIsNotBoundToBag => "name a bucket that `argosy bag show BAG` shows, or have the lead add it with `argosy storage leader update-bags -i BAG -a ID`";
    StorageBucketDoesntAcceptNewBags => "open the bucket with `argosy storage leader update-bucket-status -i ID -s on`, or take one that `argosy buckets list` shows as accepting new bags";
    StorageProviderAlreadySet => "take a bucket without an operator, or have the lead remove this one's first with `argosy storage leader remove-operator -i ID`";
    InvitedStorageProvider => "wait until the worker who is invited accepts or declines, or cancel that with `argosy storage leader cancel-invite -i ID`";
    DifferentStorageProviderInvited => "act as the invited worker, whom `argosy buckets list` shows, or have the lead cancel that invitation with `argosy storage leader cancel-invite -i ID` and invite anew";
    InvalidStorageProvider => "act as the operator, whom `argosy buckets list` shows; who is only invited accepts first: `argosy storage operator accept-invitation -w W -i ID -t ACCOUNT`";
    DistributionBucketIsBoundToBag => "add only buckets that `argosy bag show BAG` does not show; before deleting one, remove it from its bags: `argosy distribution leader update-bag -b BAG -f F -r INDEX`";
    DistributionBucketIsNotBoundToBag => "remove only buckets that `argosy bag show BAG` shows";
    DistributionBucketDoesntAcceptNewBags => "open the bucket with `argosy distribution leader update-bucket-status -B F:I -a yes`, or take one that `argosy buckets list` shows as accepting new bags";
    DistributionProviderOperatorSet => "invite a worker who does not operate it; before deleting it, remove its operators: `argosy distribution leader remove-bucket-operator -B F:I -w W`";
    DistributionProviderOperatorAlreadyInvited => "let the worker accept it with `argosy distribution operator accept-invitation -B F:I -w W`: one invitation is enough";
    MustBeDistributionProviderOperatorForBucket => "name an operator that `argosy buckets list` shows; who is only invited accepts first: `argosy distribution operator accept-invitation -B F:I -w W`";
    DistributionFamilyBoundToBagCreationPolicy => "leave the family out of the policies first: `argosy distribution leader update-dynamic-bag-policy -t TYPE -p F:N` replaces one with what it names";
    DistributionFamilyHasBuckets => "delete its buckets first with `argosy distribution leader delete-bucket -B F:I`";
    StorageBucketsNumberViolatesDynamicBagCreationPolicy => "name exactly as many storage buckets as `argosy policy` shows, or name none, and the directory chooses them";
    DistributionBucketsViolatesDynamicBagCreationPolicy => "name exactly as many buckets of each family as `argosy policy` shows, or name none, and the directory chooses them";
    UploadingBlocked => "wait until the storage lead allows uploads again with `argosy storage leader set-global-uploading-status -s off`";
    DataSizeFeeChanged => "send it anew with the fee per megabyte that `argosy fees` shows now";
    DataObjectStateBloatBondChanged => "send it anew with the bond per data object that `argosy fees` shows now";
    InvalidCidLength => "give the whole content id, as `argosy storage util multihash -f FILE` prints it";
    ContentIdNotBlake3 => "give the content id that `argosy storage util multihash -f FILE` prints: hashes of other kinds cannot be verified here";
    HandleAlreadyRegistered => "choose another handle";
    InvalidHandle => "write the handle in lower case, without blanks, and with no more than 64 characters";
    HoldingsFromFuture => "report a height that the directory has reached";
    MetadataUndecodable => "have the message made from a JSON file, by the option -i of the distribution commands or -j of the storage commands that set metadata";
    InvalidEndpoint => "give the node's root URL, https://node.example/ for instance, without user, query or fragment; a target may also be a host with a port";
    InvalidLocation => "use ISO 3166 codes in capitals, such as NO and NO-03, and both a latitude from -90 to 90 and a longitude from -180 to 180";
    NestedBatch => "put the calls of the inner batch into the outer one";
    DataObjectBlacklisted => "leave that object out, or have the lead take its content id off the list with `argosy storage leader update-blacklist -r CID`";
    SourceAndDestinationBagsAreEqual => "name another bag as the destination";
    DynamicBagExists => "upload into the bag that is there, or delete it first with `argosy bag delete-member-bag N` if it is a member's";
    DataObjectIsInAssetSet => "take it out with `argosy asset-set update BAG NAME --remove N`, or delete the set with `argosy asset-set delete BAG NAME`";
    AssetSetExists => "choose another name, or change the set that has it with `argosy asset-set update BAG NAME FILE`";
    InvalidAssetSetName => "write the name in lower case, without blanks, and with no more than 64 characters";
    AssetsToRemoveBeyondEntityAssetsSet => "remove only data objects that the set has";
    WorkerIsLeaving => "name a worker who stays: who leaves is not invited, keeps its accounts and stake, and is gone when the unstaking period ends";
    WorkerOperatesBucket => "have it removed first with `argosy storage leader remove-operator -i ID` or `argosy distribution leader remove-bucket-operator -B F:I -w W`";
    WorkerHasNoReward => "have the lead set one first with `argosy group set-reward -g GROUP --worker W --reward N`, the council if it is the lead: `argosy council propose set-reward -g GROUP --reward N`";
    InvalidStakingAccountForMember => "use the member's root or controller account, or confirm the other one first, signed with its own key: `argosy member confirm-staking-account N --account ACCOUNT`";
    ConflictStakesOnAccount => "use another account, or free this one: `argosy group withdraw-application -g GROUP --application N`, or `argosy group leave -g GROUP --worker W` and wait for the unstaking period";
    StakingAccountAlreadyConfirmed => "use another account, or take the consent back first, signed with its own key: `argosy member remove-staking-account --account ACCOUNT`";
    ApplicationsNotForOpening => "name only applications that `argosy applications list --group GROUP --opening N` shows";
    CannotHireLeaderWhenLeaderExists => "wait until the present lead has left, or have the council end its role first with `argosy council propose terminate -g GROUP`";
    CannotHireMultipleLeaders => "choose one of the applications";
    ProposalAlreadyApproved => "let other keys of the council approve it with `argosy council approve N`: each counts once";
    ProposalNotApproved => "withdraw only approvals of this key: others are taken back by the keys that gave them";
    InvalidThreshold => "name from 1 to 100 keys, and a threshold from one to their number";
    InvalidParameter => "choose a value in the parameter's range: reward period, life of proposals and buckets per worker are not zero, and sizes and counts have upper bounds";
    InvalidRelease => "write both in ASCII letters, digits and signs, without blanks, and with no more than 64 of them";
    AlreadyResigned => "wait for the end of the notice, which `argosy resignations` shows and when the operator is removed, or have the lead remove it now";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::line;
    use argosy_domain::limits::{
        MAX_BATCH_CALLS, MAX_COLLABORATORS, MAX_COUNCIL_KEYS, MAX_HANDLE_BYTES, MAX_HOLDING_EXCEPTIONS,
        MAX_METADATA_BYTES, MAX_NAME_BYTES, MAX_OBJECTS_PER_CALL, MAX_REMARK_BYTES, MAX_TRANSACTION_LIFE_MS,
    };
    use std::collections::BTreeSet;

    /// Commands that advice may name, without their options.
    const COMMANDS: [&str; 74] = [
        "argosy account transfer",
        "argosy application show",
        "argosy applications list",
        "argosy asset-set create",
        "argosy asset-set delete",
        "argosy asset-set update",
        "argosy bag create-member-bag",
        "argosy bag delete-member-bag",
        "argosy bag show",
        "argosy bags list",
        "argosy buckets list",
        "argosy channel create",
        "argosy channels list",
        "argosy council",
        "argosy council approve",
        "argosy council propose fund-group",
        "argosy council propose hire-lead",
        "argosy council propose set-parameter blacklist-size-limit",
        "argosy council propose set-parameter max-assets-per-set",
        "argosy council propose set-parameter max-data-object-size",
        "argosy council propose set-parameter max-distribution-bucket-families",
        "argosy council propose set-parameter max-workers-per-group",
        "argosy council propose set-parameter min-application-stake",
        "argosy council propose set-parameter min-unstaking-period-ms",
        "argosy council propose set-reward",
        "argosy council propose terminate",
        "argosy council withdraw",
        "argosy distribution leader cancel-invitation",
        "argosy distribution leader create-bucket",
        "argosy distribution leader create-bucket-family",
        "argosy distribution leader delete-bucket",
        "argosy distribution leader delete-bucket-family",
        "argosy distribution leader invite-bucket-operator",
        "argosy distribution leader remove-bucket-operator",
        "argosy distribution leader set-buckets-per-bag-limit",
        "argosy distribution leader update-bag",
        "argosy distribution leader update-bucket-status",
        "argosy distribution leader update-dynamic-bag-policy",
        "argosy distribution operator accept-invitation",
        "argosy families list",
        "argosy fees",
        "argosy group cancel-opening",
        "argosy group fill-opening",
        "argosy group fund-budget",
        "argosy group leave",
        "argosy group set-reward",
        "argosy group withdraw-application",
        "argosy groups list",
        "argosy keys list",
        "argosy limits",
        "argosy member confirm-staking-account",
        "argosy member create",
        "argosy member remove-staking-account",
        "argosy member show",
        "argosy members list",
        "argosy openings list",
        "argosy policy",
        "argosy proposals list",
        "argosy resignations",
        "argosy storage leader cancel-invite",
        "argosy storage leader empty-bucket",
        "argosy storage leader invite-operator",
        "argosy storage leader remove-operator",
        "argosy storage leader set-bucket-limits",
        "argosy storage leader set-global-uploading-status",
        "argosy storage leader update-bag-limit",
        "argosy storage leader update-bags",
        "argosy storage leader update-blacklist",
        "argosy storage leader update-bucket-status",
        "argosy storage leader update-dynamic-bag-policy",
        "argosy storage leader update-voucher-limits",
        "argosy storage operator accept-invitation",
        "argosy storage util multihash",
        "argosy workers list",
    ];
    /// The same, of transactions that this machine sent.
    const OWN: [&str; 2] = ["argosy tx list", "argosy tx resume"];
    const PLACEHOLDERS: [&str; 14] = [
        "ACCOUNT", "BAG", "CID", "F", "F:I", "F:N", "FILE", "GROUP", "ID", "INDEX", "N", "NAME", "TYPE", "W",
    ];

    #[test]
    fn every_reason_has_advice_in_one_sentence() {
        for reject in Reject::ALL {
            let text = remedy(*reject);
            assert!(text.starts_with(|c: char| c.is_ascii_lowercase()), "{reject:?}: {text}");
            assert!(!text.ends_with(['.', ' ', ';', ',']) && !text.contains(". "), "{reject:?}: {text}");
            assert!(text.chars().count() <= 200, "{reject:?}: {text}");
            assert_ne!(text, reject.to_string());
            assert_eq!(line(text), text);
        }
        let different: BTreeSet<&str> = Reject::ALL.iter().map(|reject| remedy(*reject)).collect();
        assert_eq!(different.len(), Reject::ALL.len(), "two reasons have the same advice");
    }

    #[test]
    fn commands_in_advice_are_ours_and_every_one_is_named() {
        let mut named = BTreeSet::new();
        for reject in Reject::ALL {
            let parts: Vec<&str> = remedy(*reject).split('`').collect();
            assert!(parts.len() % 2 == 1, "{reject:?}: a backtick is missing");
            for command in parts.iter().skip(1).step_by(2) {
                let words: Vec<&str> = command.split(' ').collect();
                let arguments = words.iter().position(|word| {
                    word.starts_with('-') || word.starts_with(|c: char| c.is_ascii_uppercase())
                });
                let (verb, arguments) = words.split_at(arguments.unwrap_or(words.len()));
                let verb = verb.join(" ");
                assert!(COMMANDS.contains(&verb.as_str()) || OWN.contains(&verb.as_str()), "{command}");
                for argument in arguments.iter().filter(|word| word.starts_with(char::is_uppercase)) {
                    assert!(PLACEHOLDERS.contains(argument), "{command}: {argument}");
                }
                named.insert(verb);
            }
        }
        assert_eq!(named.len(), COMMANDS.len() + OWN.len(), "a command is listed that no advice names");
    }

    #[test]
    fn numbers_in_advice_are_the_limits() {
        let says = |reject, number: u64, unit: &str| {
            let text = remedy(reject);
            let number = format!("{} {unit}", crate::text::grouped(number.into()));
            assert!(text.contains(&number), "{text} does not say {number}");
        };
        let count = argosy_domain::num::to_u64;
        says(Reject::ValidTooLong, MAX_TRANSACTION_LIFE_MS / 3_600_000, "hours");
        says(Reject::TooManyObjects, count(MAX_OBJECTS_PER_CALL), "objects");
        says(Reject::TooManyHoldingExceptions, count(MAX_HOLDING_EXCEPTIONS), "objects");
        says(Reject::MetadataTooLarge, count(MAX_METADATA_BYTES), "bytes");
        says(Reject::TooManyCalls, count(MAX_BATCH_CALLS), "calls");
        says(Reject::TooManyCollaborators, count(MAX_COLLABORATORS), "collaborators");
        says(Reject::RemarkTooLong, count(MAX_REMARK_BYTES), "bytes");
        says(Reject::InvalidHandle, count(MAX_HANDLE_BYTES), "characters");
        says(Reject::InvalidAssetSetName, count(MAX_NAME_BYTES), "characters");
        says(Reject::InvalidRelease, count(MAX_NAME_BYTES), "of them");
        says(Reject::InvalidThreshold, count(MAX_COUNCIL_KEYS), "keys");
    }
}
