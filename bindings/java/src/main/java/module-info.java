/**
 * The table of peers that a peer-to-peer node keeps.
 *
 * <p>It calls the library {@code libpeer_manager} with {@code java.lang.foreign}, so a program is started with
 * {@code --enable-native-access=peer_manager}, or {@code --enable-native-access=ALL-UNNAMED} where this is on the class path.
 */
module peer_manager {
    exports peermanager;
}
