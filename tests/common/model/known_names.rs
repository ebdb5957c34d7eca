//! What histories do not do with grouped names.

use super::reference::Reference;
use super::steps::{Peer, Step};
use peer_manager::{Host, NameGroups};

impl Reference {
    /// The step, excluding no name that no peer has, if names are grouped: with `apart` the library would have to keep away
    /// from the group of the name, and does not.
    pub(crate) fn with_known_names<P: Peer>(&self, step: &Step<P>) -> Step<P> {
        let mut step = step.clone();
        let excluded = match &mut step {
            Step::LoadRandomPeers(query, _) | Step::GetPeersToSend(Some(query), ..) => &mut query.exclude,
            Step::NextToDial(_, busy, _) => busy,
            _ => return step,
        };
        if self.policy().names == NameGroups::ByKey {
            excluded.retain(|peer| match peer.address().host() {
                host @ Host::Name(_) => self.get_all_peers().any(|record| record.address.host() == host),
                Host::V4(_) | Host::V6(_) => true,
            });
        }
        step
    }
}
