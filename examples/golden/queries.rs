//! The operations that choose peers.

use peer_manager::{Networks, PeerAddress, PeerManager, PeerQuery};

use crate::Failure;
use crate::words::{self, NOTHING, Words};

/// `load_random_peers`: filter, use next attempt, most failures, size; then addresses to exclude and further fields of the
/// query, in any order.
pub(crate) fn load_random_peers(
    manager: &PeerManager,
    words: &Words<'_>,
) -> Result<Vec<PeerAddress>, Failure> {
    let (fields, excluded): (Vec<&str>, Vec<&str>) =
        words.from(4).iter().partition(|word| word.contains('='));
    let exclude = words::addresses(&excluded)?;
    let mut query =
        PeerQuery { exclude: &exclude, ..query([words.word(0)?, words.word(1)?, words.word(2)?])? };
    set_fields(&mut query, &fields)?;
    Ok(manager.load_random_peers(&query, words.number(3)?)?)
}

/// `get_peers_to_send`: filter, address to exclude, size.
pub(crate) fn get_peers_to_send(
    manager: &PeerManager,
    words: &Words<'_>,
) -> Result<Vec<PeerAddress>, Failure> {
    let filter = match words.word(0)?.split(',').collect::<Vec<_>>()[..] {
        [NOTHING] => PeerQuery::everything(),
        [filter, use_next_attempt, failures, ref fields @ ..] => {
            let mut query = query([filter, use_next_attempt, failures])?;
            set_fields(&mut query, fields)?;
            query
        }
        _ => return Err("a filter has three parts".into()),
    };
    let exclude = match words.word(1)? {
        NOTHING => None,
        text => Some(words::address(text)?),
    };
    Ok(manager.get_peers_to_send(&filter, exclude.as_ref(), words.number(2)?)?)
}

/// `next_to_dial`: purpose, size, then busy addresses.
pub(crate) fn next_to_dial(manager: &PeerManager, words: &Words<'_>) -> Result<Vec<PeerAddress>, Failure> {
    let busy = words::addresses(words.from(2))?;
    Ok(manager.next_to_dial(words::purpose(words.word(0)?)?, &busy, words.number(1)?)?)
}

fn query([filter, use_next_attempt, max_num_failures]: [&str; 3]) -> Result<PeerQuery<'static>, Failure> {
    let max_num_failures = match max_num_failures {
        NOTHING => None,
        number => Some(number.parse()?),
    };
    Ok(PeerQuery {
        type_filter: words::filter(filter)?,
        use_next_attempt: words::is_true(use_next_attempt)?,
        max_num_failures,
        ..PeerQuery::everything()
    })
}

fn set_fields(query: &mut PeerQuery<'_>, fields: &[&str]) -> Result<(), Failure> {
    for word in fields {
        let (name, value) = words::field(word)?;
        match name {
            "seniority" => query.seniority = value.parse()?,
            "apart" => query.apart = words::is_true(value)?,
            "networks" => query.networks = Networks::from_bits(value.parse()?).ok_or("no such networks")?,
            "max_per_netgroup" => query.max_per_netgroup = value.parse()?,
            "heard_since" => query.heard_since = value.parse()?,
            "reached_since" => query.reached_since = value.parse()?,
            "share_key" => query.share_key = value.parse()?,
            _ => return Err(format!("no such field of a query: {name}").into()),
        }
    }
    Ok(())
}
