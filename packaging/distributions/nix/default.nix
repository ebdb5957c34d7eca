# nix-build: the library from the source archive, with the crates in it.
{ pkgs ? import <nixpkgs> { } }:

pkgs.stdenv.mkDerivation {
  pname = "peer_manager";
  version = "@VERSION@";
  src = @ARCHIVE@;

  nativeBuildInputs = [ pkgs.cargo pkgs.rustc pkgs.pkg-config ];
  buildInputs = [ pkgs.sqlite ];
  outputs = [ "out" ];

  postPatch = "patchShebangs packaging";
  # The next phase builds, too: one command does both.
  dontBuild = true;
  installPhase = ''
    export CARGO_HOME=$TMPDIR/cargo-home CARGO_NET_OFFLINE=true
    packaging/install --system-sqlite --prefix $out
  '';

  meta = {
    description = "Table of peers that a peer-to-peer node keeps";
    license = with pkgs.lib.licenses; [ mit asl20 ];
    platforms = pkgs.lib.platforms.unix;
  };
}
