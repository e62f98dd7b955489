//! `argosy blacklist` and `argosy resignations`.

use super::{
    Look, answer,
    format::{age, yes},
    list::{Bounds, Found, Sheet, gather},
};
use crate::{calendar, failure::Outcome, text};
use argosy_api::{Wanted, directory::ResignationView};
use argosy_domain::ContentId;
use serde_json::json;

/// Show content ids on the blacklist
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy blacklist list --limit 1000 --json")]
pub(crate) struct ListBlacklist {
    #[command(flatten)]
    bounds: Bounds<ContentId>,
}

/// Say whether a content id is on the blacklist
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  argosy blacklist show 2Drjgb5bT7MQzRfU2PzfsBFhKNkoAaEHHCyz3UgmLsQ6gLu4TG"
)]
pub(crate) struct ShowBlacklist {
    #[arg(value_name = "CONTENT-ID")]
    id: ContentId,
}

pub(super) async fn list_blacklist(look: &Look, args: ListBlacklist) -> Outcome<()> {
    let ask = async |wanted| look.reader.blacklist(&wanted).await;
    let found = gather("content ids", args.bounds.limit(), args.bounds.from(), None, ask).await?;
    look.print("content ids", &found, |ids: &[String]| {
        Sheet::new(&["content id"], &[], ids, |id| vec![text::line(id)])
    });
    Ok(())
}

pub(super) async fn show_blacklist(look: &Look, args: &ShowBlacklist) -> Outcome<()> {
    let wanted = Wanted::first(1, Some(args.id));
    let page = answer("the blacklist", look.reader.blacklist(&wanted).await)?;
    let listed = page.items.first().is_some_and(|first| *first == args.id.to_string());
    let view = json!({"contentId": args.id.to_string(), "blacklisted": listed});
    look.print_one(&view, |_| vec![("content id", args.id.to_string()), ("blacklisted", yes(listed))]);
    Ok(())
}

pub(super) async fn resignations(look: &Look) -> Outcome<()> {
    let resignations = answer("resignations", look.reader.resignations().await)?;
    look.print("resignations", &Found::whole(resignations), |all| resignation_sheet(all, look.now_ms));
    Ok(())
}

pub(super) fn resignation_sheet(resignations: &[ResignationView], now_ms: u64) -> Sheet {
    let head = &["group", "bucket", "worker", "let go", "time (UTC)"];
    Sheet::new(head, &[], resignations, |resignation| {
        vec![
            text::line(&resignation.group),
            text::line(&resignation.bucket),
            resignation.worker.to_string(),
            age(resignation.at_ms, now_ms),
            calendar::utc(resignation.at_ms),
        ]
    })
}
