package peermanager;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Which peers are eligible. Immutable: each {@code with…} returns another one.
 *
 * <p>{@link #due} is where to begin: outbound and preferred peers whose next attempt is due and that have failed at most
 * {@link PeerManager#REALLY_DEAD} times.
 */
public final class Query {
    private static final Query DUE = new Query(new Draft());
    private static final Query ALL =
            DUE.withTypeFilter(TypeFilter.ANY).withUseNextAttempt(false).withoutMaxNumFailures();

    private static final long STRUCT_SIZE = offset("struct_size");
    private static final long TYPE_FILTER = offset("type_filter");
    private static final long USE_NEXT_ATTEMPT = offset("use_next_attempt");
    private static final long HAS_MAX_NUM_FAILURES = offset("has_max_num_failures");
    private static final long MAX_NUM_FAILURES = offset("max_num_failures");
    private static final long MAX_PER_NETGROUP = offset("max_per_netgroup");
    private static final long EXCLUDE = offset("exclude");
    private static final long EXCLUDE_COUNT = offset("exclude_count");
    private static final long SENIORITY = offset("seniority");
    private static final long APART = offset("apart");
    private static final long NETWORKS = offset("networks");
    private static final long SHARE_KEY = offset("share_key");
    private static final long HEARD_SINCE = offset("heard_since");
    private static final long REACHED_SINCE = offset("reached_since");

    private final TypeFilter typeFilter;
    private final boolean useNextAttempt;
    private final OptionalLong maxNumFailures;
    private final int maxPerNetgroup;
    private final List<PeerAddress> exclude;
    private final int seniority;
    private final boolean apart;
    private final Set<Network> networks;
    private final int shareKey;
    private final Optional<Instant> heardSince;
    private final Optional<Instant> reachedSince;

    /** What a query is made of, with the defaults. */
    private static final class Draft {
        TypeFilter typeFilter = TypeFilter.ANY_OUTBOUND;
        boolean useNextAttempt = true;
        OptionalLong maxNumFailures = OptionalLong.of(PeerManager.REALLY_DEAD);
        int maxPerNetgroup;
        List<PeerAddress> exclude = List.of();
        int seniority;
        boolean apart;
        Set<Network> networks = Set.of();
        int shareKey;
        Optional<Instant> heardSince = Optional.empty();
        Optional<Instant> reachedSince = Optional.empty();
    }

    private Query(Draft draft) {
        typeFilter = draft.typeFilter;
        useNextAttempt = draft.useNextAttempt;
        maxNumFailures = draft.maxNumFailures;
        maxPerNetgroup = draft.maxPerNetgroup;
        exclude = draft.exclude;
        seniority = draft.seniority;
        apart = draft.apart;
        networks = draft.networks;
        shareKey = draft.shareKey;
        heardSince = draft.heardSince;
        reachedSince = draft.reachedSince;
    }

    private Query with(Consumer<Draft> change) {
        Draft draft = new Draft();
        draft.typeFilter = typeFilter;
        draft.useNextAttempt = useNextAttempt;
        draft.maxNumFailures = maxNumFailures;
        draft.maxPerNetgroup = maxPerNetgroup;
        draft.exclude = exclude;
        draft.seniority = seniority;
        draft.apart = apart;
        draft.networks = networks;
        draft.shareKey = shareKey;
        draft.heardSince = heardSince;
        draft.reachedSince = reachedSince;
        change.accept(draft);
        return new Query(draft);
    }

    /**
     * The default: outbound and preferred peers whose next attempt is due and that have failed at most
     * {@link PeerManager#REALLY_DEAD} times.
     *
     * @return the query
     */
    public static Query due() {
        return DUE;
    }

    /**
     * Every peer, whatever its type, its failures and its next attempt.
     *
     * @return the query
     */
    public static Query all() {
        return ALL;
    }

    /**
     * Sets which types of peers are eligible.
     *
     * @param typeFilter the types; {@link TypeFilter#ANY_OUTBOUND} by default
     * @return the query
     */
    public Query withTypeFilter(TypeFilter typeFilter) {
        Objects.requireNonNull(typeFilter, "typeFilter");
        return with(draft -> draft.typeFilter = typeFilter);
    }

    /**
     * Sets whether only peers whose next attempt is due are eligible.
     *
     * @param useNextAttempt true by default
     * @return the query
     */
    public Query withUseNextAttempt(boolean useNextAttempt) {
        return with(draft -> draft.useNextAttempt = useNextAttempt);
    }

    /**
     * Sets the most failures that an eligible peer has.
     *
     * @param maxNumFailures 0 to 4294967295; {@link PeerManager#REALLY_DEAD} by default
     * @return the query
     * @throws InvalidArgumentException for a number out of range
     */
    public Query withMaxNumFailures(long maxNumFailures) {
        Checks.unsignedInt(maxNumFailures, "maxNumFailures");
        return with(draft -> draft.maxNumFailures = OptionalLong.of(maxNumFailures));
    }

    /**
     * Makes peers eligible whatever their failures.
     *
     * @return the query
     */
    public Query withoutMaxNumFailures() {
        return with(draft -> draft.maxNumFailures = OptionalLong.empty());
    }

    /**
     * Sets the most peers of one netgroup in an answer. Each draw picks a netgroup first, so that an attacker's share is the share
     * of netgroups it holds, not of addresses.
     *
     * @param maxPerNetgroup how many; 0, the default, makes every eligible peer equally likely
     * @return the query
     * @throws InvalidArgumentException for a negative number
     */
    public Query withMaxPerNetgroup(int maxPerNetgroup) {
        Checks.notNegative(maxPerNetgroup, "maxPerNetgroup");
        return with(draft -> draft.maxPerNetgroup = maxPerNetgroup);
    }

    /**
     * Sets the peers that are left out, such as those connected now.
     *
     * @param exclude the peers, in any order, known or not; none by default
     * @return the query
     */
    public Query withExclude(Iterable<PeerAddress> exclude) {
        List<PeerAddress> copy = List.copyOf(Scratch.copy(exclude, "exclude"));
        return with(draft -> draft.exclude = copy);
    }

    /**
     * Sets how many draws each place in the answer is the most senior of. Of inbound peers, the one that was heard of first is the
     * most senior; of outbound and preferred ones, that which became one first. A flood cannot be old, so it wins few places.
     *
     * @param seniority how many, at most 64; 0, the default, for none
     * @return the query
     * @throws InvalidArgumentException for a negative number; the library refuses more than 64 when it is queried
     */
    public Query withSeniority(int seniority) {
        Checks.notNegative(seniority, "seniority");
        return with(draft -> draft.seniority = seniority);
    }

    /**
     * Sets whether every peer of a netgroup is left out in which an excluded address is.
     *
     * @param apart false by default
     * @return the query
     */
    public Query withApart(boolean apart) {
        return with(draft -> draft.apart = apart);
    }

    /**
     * Sets which networks' addresses are eligible.
     *
     * @param networks the networks; none, the default, for all
     * @return the query
     */
    public Query withNetworks(Set<Network> networks) {
        Set<Network> copy = Set.copyOf(Scratch.copy(networks, "networks"));
        return with(draft -> draft.networks = copy);
    }

    /**
     * Sets which of the shared lists answers {@link PeerManager#getPeersToSend}, with {@link Options#withShareCache}. With one for
     * each network and each local address, who asks over two of them cannot tell by the answers that it is one node.
     *
     * @param shareKey 0 to 15
     * @return the query
     * @throws InvalidArgumentException for a negative number; the library refuses more than 15 when it is queried
     */
    public Query withShareKey(int shareKey) {
        Checks.notNegative(shareKey, "shareKey");
        return with(draft -> draft.shareKey = shareKey);
    }

    /**
     * Admits only peers that were heard of, or else reached, at or after a time. Needs {@link Options#withKeepHistory}.
     *
     * @param time the time; {@link Instant#EPOCH} admits any
     * @return the query
     */
    public Query withHeardSince(Instant time) {
        Objects.requireNonNull(time, "time");
        return with(draft -> draft.heardSince = Optional.of(time));
    }

    /**
     * Admits only peers that were reached at or after a time. Needs {@link Options#withKeepHistory}.
     *
     * @param time the time; {@link Instant#EPOCH} admits any
     * @return the query
     */
    public Query withReachedSince(Instant time) {
        Objects.requireNonNull(time, "time");
        return with(draft -> draft.reachedSince = Optional.of(time));
    }

    /** Writes the struct; the scratch memory is then in use for the excluded addresses. */
    MemorySegment write(Scratch scratch) {
        MemorySegment to = scratch.query;
        to.set(JAVA_INT, STRUCT_SIZE, (int) Layouts.QUERY_STRUCT.byteSize());
        to.set(JAVA_INT, TYPE_FILTER, typeFilter.value());
        to.set(JAVA_INT, USE_NEXT_ATTEMPT, useNextAttempt ? 1 : 0);
        to.set(JAVA_INT, HAS_MAX_NUM_FAILURES, maxNumFailures.isPresent() ? 1 : 0);
        to.set(JAVA_INT, MAX_NUM_FAILURES, (int) maxNumFailures.orElse(0));
        to.set(JAVA_INT, MAX_PER_NETGROUP, maxPerNetgroup);
        to.set(ADDRESS, EXCLUDE, exclude.isEmpty() ? MemorySegment.NULL : scratch.addresses(exclude));
        to.set(JAVA_LONG, EXCLUDE_COUNT, exclude.size());
        to.set(JAVA_INT, SENIORITY, seniority);
        to.set(JAVA_INT, APART, apart ? 1 : 0);
        to.set(JAVA_INT, NETWORKS, networks.stream().mapToInt(Network::value).sum());
        to.set(JAVA_INT, SHARE_KEY, shareKey);
        to.set(JAVA_LONG, HEARD_SINCE, heardSince.map(Times::toSeconds).orElse(0L));
        to.set(JAVA_LONG, REACHED_SINCE, reachedSince.map(Times::toSeconds).orElse(0L));
        return to;
    }

    private static long offset(String member) {
        return Layouts.offset(Layouts.QUERY_STRUCT, member);
    }

    private List<Object> parts() {
        return List.of(typeFilter, useNextAttempt, maxNumFailures, maxPerNetgroup, exclude, seniority, apart, networks,
                shareKey, heardSince, reachedSince);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Query query && parts().equals(query.parts());
    }

    @Override
    public int hashCode() {
        return parts().hashCode();
    }

    /**
     * Returns the query as text, for logs.
     *
     * @return all that it asks for
     */
    @Override
    public String toString() {
        return "Query[typeFilter=" + typeFilter + ", useNextAttempt=" + useNextAttempt + ", maxNumFailures=" + maxNumFailures
                + ", maxPerNetgroup=" + maxPerNetgroup + ", exclude=" + exclude + ", seniority=" + seniority + ", apart=" + apart
                + ", networks=" + (networks.isEmpty() ? "all" : EnumSet.copyOf(networks)) + ", shareKey=" + shareKey
                + ", heardSince=" + heardSince + ", reachedSince=" + reachedSince + "]";
    }
}
