//! Bytes to steps. Each choice takes one byte where it can, so that a small change of the input is a small change of
//! the history.

use std::net::IpAddr;

use arbitrary::{Result, Unstructured};
use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::options::{
    PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_DEFERRED, PEER_MANAGER_DURABILITY_SYNC,
};
use peer_manager::{
    BackOffUpdate, Host, MAX_SENIORITY, NameGroups, PeerAddress, PeerTypeFilter, Purpose, Reach,
    StoredPeerType,
};

use super::model::beside::{Banned, StepBeside};
use super::model::netgroup::Policy;
use super::model::steps::{Peer, Query, Step, Values};
use crate::c;

/// Where the clock starts.
pub(super) const START: i64 = 1_700_000_000;

/// So few that histories meet the same peers again and again.
const UNIVERSE: u8 = 48;

/// How the manager is opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) seed: u64,
    pub(super) on_file: bool,
    pub(super) durability: u32,
    pub(super) flush_interval_ms: u32,
    pub(super) limits: Limits,
    pub(super) policy: Policy,
    pub(super) keeps_histories: bool,
}

/// The options that make a manager another than the specification's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) max_peers: u64,
    pub(super) max_peers_per_netgroup: u32,
    pub(super) share_cache_seconds: u32,
    pub(super) share_max_percent: u32,
}

impl Limits {
    pub(super) fn are_off(self) -> bool {
        self == Self::default()
    }

    fn decode(input: &mut Unstructured<'_>) -> Result<Self> {
        let [table, netgroup, sharing] = input.arbitrary::<[u8; 3]>()?;
        let share_cache_seconds = if sharing & 1 == 0 { 0 } else { u32::from(netgroup >> 4) * 20 };
        Ok(Self {
            // Few, so that most new peers find no room.
            max_peers: (table % 20).into(),
            max_peers_per_netgroup: (netgroup % 5).into(),
            share_cache_seconds,
            // It is refused without the other.
            share_max_percent: if share_cache_seconds == 0 { 0 } else { u32::from(sharing >> 1) % 101 },
        })
    }
}

/// Which peers a node has, and which of them belong together.
fn policy(input: &mut Unstructured<'_>) -> Result<Policy> {
    let bits: u8 = input.arbitrary()?;
    Ok(Policy {
        reach: [Reach::Specification, Reach::Public, Reach::Private][usize::from(bits >> 2) % 3],
        names: if bits & 1 == 0 { NameGroups::Each } else { NameGroups::ByKey },
        has_asmap: bits & 2 != 0,
    })
}

impl Setup {
    pub(super) fn decode(input: &mut Unstructured<'_>) -> Result<Self> {
        let bits: u8 = input.arbitrary()?;
        let seed = input.arbitrary::<u8>()?.into();
        Ok(Self {
            seed,
            // A file costs as much as some thousand calls.
            on_file: bits & 0x98 == 0x98,
            durability: match bits & 3 {
                0 | 1 => PEER_MANAGER_DURABILITY_COMMIT,
                2 => PEER_MANAGER_DURABILITY_SYNC,
                _ => PEER_MANAGER_DURABILITY_DEFERRED,
            },
            // While the history lasts, the background writes at every moment, or it waits for the flush.
            flush_interval_ms: if bits & 4 == 0 { 1 } else { 60_000 },
            limits: if bits & 0x60 == 0x60 { Limits::decode(input)? } else { Limits::default() },
            policy: if bits & 0x60 == 0x20 { policy(input)? } else { Policy::default() },
            keeps_histories: bits & 0x60 == 0x40,
        })
    }
}

/// A peer of the universe, in one of its spellings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spelled {
    number: u8,
    spelling: u8,
}

impl Peer for Spelled {
    fn address(self) -> PeerAddress {
        let n = u16::from(self.number);
        let host = match n % 8 {
            0 => format!("10.0.0.{n}"),
            1 if n > 24 => format!("64:ff9b::52.{}.0.{n}", n % 3),
            1 => format!("fe80::{n}"),
            2 if n > 24 => format!("{}xyz.onion", ["a", "b", "c"][usize::from(n) / 8 % 3]),
            2 => "localhost".to_owned(),
            3 => "same.example.org".to_owned(),
            4 => format!("52.{}.0.{n}", n % 3),
            5 => format!("2a01:{}::7:0:1:{n}", n % 3),
            6 if n > 38 => format!("node-{n}.test"),
            6 if n > 24 => format!("node-{n}.b32.i2p"),
            6 => format!("node-{n}.example.org"),
            _ => format!("9.9.{n}.9"),
        };
        PeerAddress::new(&host, 11_625 + n).expect("the universe is made of addresses")
    }
}

impl Spelled {
    fn decode(input: &mut Unstructured<'_>) -> Result<Self> {
        let byte: u8 = input.arbitrary()?;
        // 256 = 5 * 48 + 16: five spellings of most.
        Ok(Self { number: byte % UNIVERSE, spelling: byte / UNIVERSE })
    }

    /// The peer for C, as a stranger might write it.
    pub(super) fn spelled(self) -> peer_manager_address {
        let address = self.address();
        let host = match (address.host(), self.spelling) {
            (Host::V4(ip), 1 | 3) => format!("::ffff:{ip}"),
            (Host::V4(ip), 2 | 4) => {
                ip.to_ipv6_mapped().segments().map(|group| format!("{group:04X}")).join(":")
            }
            (Host::V6(ip), 1 | 3) => ip.segments().map(|group| format!("{group:04X}")).join(":"),
            (Host::V6(ip), 2 | 4) => IpAddr::V6(*ip).to_string().to_uppercase(),
            (Host::Name(name), 1) => name.to_uppercase(),
            (Host::Name(name), 2) => format!("{name}."),
            (Host::Name(name), 3 | 4) => format!("{}.", name.to_uppercase()),
            (host, _) => host.to_string(),
        };
        c::address(host.as_bytes(), address.port())
    }
}

#[derive(Clone, Debug)]
pub(super) enum Event {
    Call(Step<Spelled>),
    KeepSnapshot,
    TurnClock(i64),
    Reopen,
    Mistake(u8),
}

impl Event {
    /// What needs histories is another step where none are kept.
    pub(super) fn decode(input: &mut Unstructured<'_>, keeps_histories: bool) -> Result<Self> {
        let peer = Spelled::decode;
        let query = |input: &mut Unstructured<'_>| query(input, keeps_histories);
        let kind: u8 = input.arbitrary()?;
        if kind >= 192 {
            return Ok(Self::Call(Step::Beside(beside(input, kind % 16, keeps_histories)?)));
        }
        Ok(Self::Call(match kind % 64 {
            0..6 => Step::EnsureExists(peer(input)?),
            6..9 => Step::EnsureExistsMany(few(input, peer)?),
            9..11 => Step::Load(peer(input)?),
            11..17 => Step::Store(peer(input)?, values(input)?),
            17..20 => Step::StoreMany(few(input, |input| Ok((peer(input)?, values(input)?)))?),
            20..24 => Step::UpdateType(peer(input)?, peer_type(input)?, input.arbitrary::<u8>()? & 3),
            24..29 => Step::UpdateBackoff(peer(input)?, backoff(input)?),
            29..34 => {
                let (peer, observed) = (peer(input)?, peer_type(input)?);
                Step::Update(peer, observed, input.arbitrary::<u8>()? & 3, backoff(input)?)
            }
            34..39 => Step::Remove(peer(input)?),
            39 => Step::RemovePeersWithManyFailures(failures(input)?),
            40 => Step::ClearAll,
            41..47 => Step::LoadRandomPeers(query(input)?, size(input)?),
            47..51 => {
                let filter = option(input, query)?;
                Step::GetPeersToSend(filter, option(input, peer)?, size(input)?)
            }
            51 => Step::GetStats,
            52 => return Ok(Self::KeepSnapshot),
            53..57 => return Ok(Self::TurnClock(time(input)?)),
            57 => Step::Flush,
            58 => return Ok(Self::Reopen),
            59 => Step::LimitNextAttempt(time(input)?),
            60 | 61 => {
                let purpose =
                    if input.arbitrary::<u8>()? & 3 == 0 { Purpose::Feeler } else { Purpose::Connect };
                Step::NextToDial(purpose, few(input, peer)?, size(input)?)
            }
            62 => match input.arbitrary::<u8>()? % 4 {
                0 => Step::NextDue,
                1 => Step::SetOwnAddresses(few(input, peer)?),
                bit => Step::SetOnline(bit == 2),
            },
            _ => return Ok(Self::Mistake(input.arbitrary()?)),
        }))
    }
}

fn one_of<T: Copy>(input: &mut Unstructured<'_>, values: [T; 3]) -> Result<T> {
    Ok(values[usize::from(input.arbitrary::<u8>()? % 3)])
}

fn peer_type(input: &mut Unstructured<'_>) -> Result<StoredPeerType> {
    one_of(input, StoredPeerType::ALL)
}

fn backoff(input: &mut Unstructured<'_>) -> Result<BackOffUpdate> {
    one_of(input, [BackOffUpdate::HardReset, BackOffUpdate::Reset, BackOffUpdate::Increase])
}

fn option<T>(
    input: &mut Unstructured<'_>,
    decode: impl FnOnce(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Option<T>> {
    if input.arbitrary::<u8>()? & 1 == 0 { Ok(None) } else { decode(input).map(Some) }
}

/// Up to 15.
fn few<T>(
    input: &mut Unstructured<'_>,
    mut decode: impl FnMut(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = input.arbitrary::<u8>()? % 16;
    (0..count).map(|_| decode(input)).collect()
}

fn values(input: &mut Unstructured<'_>) -> Result<Values> {
    Ok((time(input)?, failures(input)?, peer_type(input)?))
}

/// Near the start of the clock mostly, so that peers become due, and now and then anywhere.
fn time(input: &mut Unstructured<'_>) -> Result<i64> {
    const EXTREMES: [i64; 8] = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 10_240, i64::MAX - 1, i64::MAX];
    let byte: u8 = input.arbitrary()?;
    Ok(match byte {
        0..200 => START + i64::from(byte) * 3 - 300,
        200..240 => START + i64::from(input.arbitrary::<i16>()?),
        240..248 => EXTREMES[usize::from(byte - 240)],
        _ => input.arbitrary()?,
    })
}

/// Around the bounds of the queries, the exact failure classes and the powers of two.
fn failures(input: &mut Unstructured<'_>) -> Result<u32> {
    const BOUNDS: [u32; 12] =
        [30, 31, 32, 33, 63, 64, 100, 1 << 20, 1 << 31, u32::MAX - 2, u32::MAX - 1, u32::MAX];
    let byte: u8 = input.arbitrary()?;
    Ok(match byte {
        0..200 => u32::from(byte % 20),
        200..248 => BOUNDS[usize::from(byte - 200) / 4],
        _ => input.arbitrary()?,
    })
}

/// Steps about what is kept beside the records of peers.
fn beside(input: &mut Unstructured<'_>, kind: u8, keeps_histories: bool) -> Result<StepBeside<Spelled>> {
    let peer = Spelled::decode(input)?;
    // Mostly the host alone.
    let banned = |input: &mut Unstructured<'_>| {
        let byte: u8 = input.arbitrary()?;
        Ok(Banned { peer, shorter_by: byte.saturating_sub(128) })
    };
    Ok(match kind {
        0..3 => {
            let banned = banned(input)?;
            StepBeside::Ban(banned, time(input)?)
        }
        3..6 => StepBeside::Unban(banned(input)?),
        6 => StepBeside::IsBanned(peer),
        7..13 => {
            let (length, byte) = (usize::from(input.arbitrary::<u8>()?), input.arbitrary::<u8>()?);
            // One is too long.
            let length = if length == 254 { 256 } else { length };
            StepBeside::SetData(peer, (0_u8..=255).cycle().skip(byte.into()).take(length).collect())
        }
        14 => StepBeside::LoadHistory(peer),
        13 if keeps_histories => StepBeside::RemovePeersNotHeardSince(time(input)?),
        _ => StepBeside::RemoveHost(peer),
    })
}

fn query(input: &mut Unstructured<'_>, keeps_histories: bool) -> Result<Query<Spelled>> {
    const FILTERS: [PeerTypeFilter; 6] = [
        PeerTypeFilter::InboundOnly,
        PeerTypeFilter::OutboundOnly,
        PeerTypeFilter::PreferredOnly,
        PeerTypeFilter::AnyOutbound,
        PeerTypeFilter::Any,
        PeerTypeFilter::NotPreferred,
    ];
    let bits: u8 = input.arbitrary()?;
    // So a fourth has what the specification does not have.
    let [seniority, others] = if bits < 192 { [0; 2] } else { input.arbitrary::<[u8; 2]>()? };
    let [heard, reached] = if keeps_histories { input.arbitrary::<[u8; 2]>()? } else { [0; 2] };
    let mut since = |byte: u8| if byte < 192 { Ok(0) } else { time(input) };
    let (heard_since, reached_since) = (since(heard)?, since(reached)?);
    Ok(Query {
        heard_since,
        reached_since,
        use_next_attempt: bits & 1 != 0,
        max_num_failures: if bits & 2 == 0 { None } else { Some(failures(input)?) },
        type_filter: FILTERS[usize::from(bits >> 2) % 6],
        max_per_netgroup: u32::from(bits >> 2) / 6 % 4,
        exclude: few(input, Spelled::decode)?,
        seniority: u32::from(seniority) % (MAX_SENIORITY + 1),
        apart: others & 1 != 0,
        networks: u32::from(others >> 1 & 31),
        share_key: u32::from(seniority >> 4 ^ others >> 6),
    })
}

fn size(input: &mut Unstructured<'_>) -> Result<usize> {
    Ok(usize::from(input.arbitrary::<u8>()? % 64))
}
