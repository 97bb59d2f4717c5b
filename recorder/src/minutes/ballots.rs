//! Votes in the words of minutes: what was voted on, how, and how it ended, by site.

use protocol::minutes::VoteRow;
use protocol::vote::{Share, ShareOf, SiteTally, Tally, VoteMethod};

use super::calendar::{self, LocalTime};
use super::sheet::Block;
use super::text;

/// The paragraphs of one vote.
pub(super) fn blocks((row, index): (&VoteRow, u64)) -> Vec<Block> {
    let at = LocalTime::of(row.at).map(|at| format!(" lúc {}", at.long_time()));
    let lead = format!("{index}) {}{}:", method(row.rules.method), at.unwrap_or_default());
    let title = text::line(&row.rules.title);
    let mut blocks = vec![
        Block::new(lead, format!("{title}.")),
        Block::plain(format!("Kết quả: {}", result(row))),
    ];
    if !row.outcome.by_site.is_empty() && row.rules.method != VoteMethod::Consensus {
        let sites = row.outcome.by_site.iter().map(site).collect::<Vec<_>>().join("; ");
        let head = "Theo điểm cầu (đồng ý/không đồng ý/phiếu trắng trên số có quyền biểu quyết)";
        blocks.push(Block::ragged(format!("{head}: {sites}.")));
    }
    if let Some(ballots) = &row.outcome.ballots {
        let text = format!("Mã SHA-256 của danh sách phiếu đã công bố: {}.", text::line(ballots));
        blocks.push(Block::ragged(text));
    }
    blocks.extend(text::paragraphs(&row.remark).into_iter().map(Block::plain));
    blocks
}

fn method(method: VoteMethod) -> &'static str {
    match method {
        VoteMethod::Cards => "Biểu quyết giơ thẻ tại các điểm cầu",
        VoteMethod::Delegates => "Biểu quyết trên thiết bị của từng đại biểu",
        VoteMethod::Consensus => "Thống nhất khi không có ý kiến khác",
        VoteMethod::Poll => "Thăm dò ý kiến bằng phiếu kín",
    }
}

fn result(row: &VoteRow) -> String {
    let (rules, outcome) = (&row.rules, &row.outcome);
    if rules.method == VoteMethod::Consensus {
        return match outcome.tally.disagree {
            0 => "không có ý kiến khác; được thông qua.".to_owned(),
            n => format!(
                "{} điểm cầu có ý kiến khác; không được thông qua.",
                calendar::number(n.into())
            ),
        };
    }
    let voted = outcome.tally.total();
    let eligible = u64::from(outcome.eligible);
    let mut text = format!(
        "có quyền biểu quyết {}, đã biểu quyết {}{}: {}",
        calendar::number(eligible),
        calendar::number(voted),
        percent(voted, eligible),
        counts(
            outcome.tally,
            match rules.threshold_of {
                ShareOf::Eligible => eligible,
                ShareOf::Voted => voted,
            }
        ),
    );
    if outcome.quorum_met == Some(false) {
        text.push_str("; không đủ số người biểu quyết theo quy định");
    }
    if let Some(adopted) = outcome.adopted {
        let share = match rules.threshold {
            Some(Share::OverHalf) => " (cần quá nửa)",
            Some(Share::TwoThirds) => " (cần hai phần ba)",
            None => "",
        };
        let word = if adopted { "được thông qua" } else { "không được thông qua" };
        text.push_str(&format!("; {word}{share}"));
    }
    text.push('.');
    text
}

fn counts(tally: Tally, of: u64) -> String {
    [("đồng ý", tally.agree), ("không đồng ý", tally.disagree), ("phiếu trắng", tally.blank)]
        .map(|(word, n)| format!("{word} {}{}", calendar::number(n.into()), percent(n.into(), of)))
        .join(", ")
}

/// " (96,6%)", rounded to the nearest tenth.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    let tenths = (part * 2_000 + whole) / (2 * whole);
    format!(" ({},{}%)", tenths / 10, tenths % 10)
}

fn site(row: &SiteTally) -> String {
    let name = match text::line(&row.name) {
        name if name.is_empty() => "Hội trường".to_owned(),
        name => name,
    };
    let Tally { agree, disagree, blank } = row.tally;
    let came = if row.tally.total() == 0 { ", không báo kết quả" } else { "" };
    format!("{name} {agree}/{disagree}/{blank} trên {}{came}", row.eligible)
}
