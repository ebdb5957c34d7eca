//! What is kept beside the records of peers, by the C API alone and by both APIs.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use peer_manager::ffi::bans::{
    peer_manager_ban, peer_manager_ban_entry, peer_manager_get_bans, peer_manager_is_banned,
    peer_manager_unban,
};
use peer_manager::ffi::data::{
    PEER_MANAGER_DATA_CAPACITY, peer_manager_get_data, peer_manager_set_data, peer_manager_snapshot_get_data,
};
use peer_manager::ffi::error::{
    PEER_MANAGER_ERROR_NOT_FOUND as NOT_FOUND, PEER_MANAGER_ERROR_UNSUPPORTED as UNSUPPORTED,
};
use peer_manager::ffi::history::{
    peer_manager_history, peer_manager_load_history, peer_manager_remove_peers_not_heard_since,
    peer_manager_snapshot_get_history,
};
use peer_manager::ffi::peers::peer_manager_remove_host;
use peer_manager::{History, PeerManager};

use super::both::{Both, same};
use super::model::beside::{BanList, SubjectBeside, TableBeside};
use super::model::steps::{Called, Peer as _};
use super::node::{called, done};
use super::steps::Spelled;
use crate::c::{Node, Room, call};

fn in_c(text: &str) -> CString {
    CString::new(text).expect("no subject and no host has a NUL")
}

fn history(of: &peer_manager_history) -> History {
    let peer_manager_history { first_heard, last_heard, first_reached, last_reached, last_attempt } = *of;
    History { first_heard, last_heard, first_reached, last_reached, last_attempt }
}

/// Asks for data, with one more place than the library is told of.
fn data(
    read: impl FnOnce(*mut std::ffi::c_void, usize, *mut usize) -> Result<(), i32>,
) -> Result<Vec<u8>, i32> {
    let mut out = [0xa5_u8; PEER_MANAGER_DATA_CAPACITY + 1];
    let mut size = usize::MAX;
    read(out.as_mut_ptr().cast(), PEER_MANAGER_DATA_CAPACITY, &raw mut size)?;
    assert!(out[size..].iter().all(|&byte| byte == 0xa5), "more than the data was written");
    Ok(out[..size].to_vec())
}

/// A history, if histories are kept and there is one.
fn noted(read: impl FnOnce(*mut peer_manager_history) -> Result<(), i32>) -> Option<History> {
    let mut out = Room::<peer_manager_history>::new();
    match read(out.as_mut_ptr()) {
        // SAFETY: any bytes are a history.
        Ok(()) => Some(history(&unsafe { out.get() })),
        Err(status) => {
            assert!([NOT_FOUND, UNSUPPORTED].contains(&status), "the call says {status}");
            assert!(out.is_untouched());
            None
        }
    }
}

impl SubjectBeside<Spelled> for Node {
    fn ban(&self, subject: &str, until: i64) -> Called<usize> {
        let (subject, mut removed) = (in_c(subject), usize::MAX);
        let out = &raw mut removed;
        // SAFETY: the pointers are valid for the call.
        called(call(|error| unsafe { peer_manager_ban(self.as_ptr(), subject.as_ptr(), until, out, error) }))
            .map(|()| removed)
    }

    fn unban(&self, subject: &str) -> Called {
        let subject = in_c(subject);
        // SAFETY: the pointers are valid for the call.
        called(call(|error| unsafe { peer_manager_unban(self.as_ptr(), subject.as_ptr(), error) }))
    }

    fn is_banned(&self, peer: Spelled) -> bool {
        // SAFETY: the pointers are valid for the call.
        unsafe { peer_manager_is_banned(self.as_ptr(), &peer.spelled()) }
    }

    fn bans(&self) -> BanList {
        let list = |capacity: usize| {
            let mut out: Vec<_> = (0..=capacity).map(|_| Room::<peer_manager_ban_entry>::new()).collect();
            let mut count = usize::MAX;
            let (first, out_count) = (out.as_mut_ptr().cast(), &raw mut count);
            // SAFETY: the pointers are valid for the call.
            done(call(|error| unsafe {
                peer_manager_get_bans(self.as_ptr(), capacity, first, out_count, error)
            }));
            assert!(out[count.min(capacity)..].iter().all(Room::is_untouched), "more than it was told of");
            // SAFETY: any bytes are an entry.
            let bans = out[..count.min(capacity)].iter().map(|entry| ban(&unsafe { entry.get() }));
            (bans.collect::<BanList>(), count)
        };
        let (few, count) = list(1);
        let (all, again) = list(count);
        assert_eq!((few.as_slice(), count), (&all[..count.min(1)], again), "as many as there is room for");
        all
    }

    fn set_data(&self, peer: Spelled, data: &[u8]) -> Called {
        let (address, size) = (peer.spelled(), data.len());
        let first = if data.is_empty() { ptr::null() } else { data.as_ptr().cast() };
        // SAFETY: the pointers are valid for the call.
        called(call(|error| unsafe { peer_manager_set_data(self.as_ptr(), &address, first, size, error) }))
    }

    fn data(&self, peer: Spelled) -> Called<Vec<u8>> {
        let address = peer.spelled();
        called(data(|out, capacity, size| {
            // SAFETY: the pointers are valid for the call.
            call(|error| unsafe {
                peer_manager_get_data(self.as_ptr(), &address, out, capacity, size, error)
            })
        }))
    }

    fn remove_host(&self, peer: Spelled) -> usize {
        let (host, mut removed) = (in_c(&peer.address().host().to_string()), usize::MAX);
        let out = &raw mut removed;
        // SAFETY: the pointers are valid for the call.
        done(call(|error| unsafe { peer_manager_remove_host(self.as_ptr(), host.as_ptr(), out, error) }));
        removed
    }

    fn load_history(&self, peer: Spelled) -> Option<History> {
        let address = peer.spelled();
        // SAFETY: the pointers are valid for the call.
        noted(|out| call(|error| unsafe { peer_manager_load_history(self.as_ptr(), &address, out, error) }))
    }

    fn remove_peers_not_heard_since(&self, since: i64) -> usize {
        let mut removed = usize::MAX;
        let out = &raw mut removed;
        // SAFETY: the pointers are valid for the call.
        done(call(|error| unsafe {
            peer_manager_remove_peers_not_heard_since(self.as_ptr(), since, out, error)
        }));
        removed
    }

    fn table_beside(&self) -> TableBeside {
        let snapshot = self.get_all_peers();
        let kept = |(index, record): (usize, peer_manager::PeerRecord)| {
            let from = snapshot.as_ptr();
            let history = noted(|out| {
                // SAFETY: the pointers are valid for the call.
                call(|error| unsafe { peer_manager_snapshot_get_history(from, index, out, error) })
            });
            let data = data(|out, capacity, size| {
                // SAFETY: the pointers are valid for the call.
                call(|error| unsafe {
                    peer_manager_snapshot_get_data(from, index, out, capacity, size, error)
                })
            });
            (record.address, (history, data.expect("the index is less than the count")))
        };
        snapshot.records().into_iter().enumerate().map(kept).collect()
    }
}

fn ban(entry: &peer_manager_ban_entry) -> (String, i64) {
    let subject = entry.subject.map(c_char::cast_unsigned);
    let text = CStr::from_bytes_until_nul(&subject).expect("a subject ends in a NUL");
    (text.to_str().expect("a subject is UTF-8").to_owned(), entry.until)
}

/// The twin, called as a subject and not by its own methods.
fn beside(twin: &PeerManager) -> &impl SubjectBeside<Spelled> {
    twin
}

impl SubjectBeside<Spelled> for Both<'_> {
    fn ban(&self, subject: &str, until: i64) -> Called<usize> {
        same(SubjectBeside::ban(self.node, subject, until), &beside(self.twin).ban(subject, until))
    }

    fn unban(&self, subject: &str) -> Called {
        same(SubjectBeside::unban(self.node, subject), &beside(self.twin).unban(subject))
    }

    fn is_banned(&self, peer: Spelled) -> bool {
        same(self.node.is_banned(peer), &beside(self.twin).is_banned(peer))
    }

    fn bans(&self) -> BanList {
        same(self.node.bans(), &beside(self.twin).bans())
    }

    fn set_data(&self, peer: Spelled, data: &[u8]) -> Called {
        same(self.node.set_data(peer, data), &beside(self.twin).set_data(peer, data))
    }

    fn data(&self, peer: Spelled) -> Called<Vec<u8>> {
        same(self.node.data(peer), &beside(self.twin).data(peer))
    }

    fn remove_host(&self, peer: Spelled) -> usize {
        same(self.node.remove_host(peer), &beside(self.twin).remove_host(peer))
    }

    fn load_history(&self, peer: Spelled) -> Option<History> {
        same(self.node.load_history(peer), &beside(self.twin).load_history(peer))
    }

    fn remove_peers_not_heard_since(&self, since: i64) -> usize {
        let by_twin = beside(self.twin).remove_peers_not_heard_since(since);
        same(self.node.remove_peers_not_heard_since(since), &by_twin)
    }

    fn table_beside(&self) -> TableBeside {
        same(self.node.table_beside(), &beside(self.twin).table_beside())
    }
}
