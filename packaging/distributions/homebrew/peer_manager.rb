class PeerManager < Formula
  desc "Table of peers that a peer-to-peer node keeps"
  url "file://@ARCHIVE@"
  version "@VERSION@"
  sha256 "@SHA256@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "coreutils" => :build # realpath and install
  depends_on "rust" => :build

  def install
    ENV["CARGO_HOME"] = buildpath/"cargo-home"
    ENV["CARGO_NET_OFFLINE"] = "true"
    ENV.prepend_path "PATH", Formula["coreutils"].opt_libexec/"gnubin"
    system "packaging/install", "--prefix", prefix
  end

  test do
    (testpath/"test.c").write <<~C
      #include <peer_manager.h>
      int main(void) {
        return peer_manager_version_number() == PEER_MANAGER_VERSION_NUMBER ? 0 : 1;
      }
    C
    system ENV.cc, "test.c", "-I#{include}", "-L#{lib}", "-lpeer_manager", "-o", "test"
    system "./test"
  end
end
