# The library for Ruby, with Fiddle, which comes with it: constants, structs and functions are read from the header.
# HEADER names it, if it is not in ../../include.

require "fiddle/import"

module PM
  extend Fiddle::Importer
  dlload "libpeer_manager.so.0"

  header = File.read(ENV["HEADER"] || File.join(__dir__, "../../include/peer_manager.h")).gsub(%r{/\*.*?\*/|^PEER_MANAGER_API\s+}m, "")
  header.scan(/^#define PEER_MANAGER_(\w+) (\d+)$/) { |name, number| const_set(name, number.to_i) }
  header.gsub!(/PEER_MANAGER_(\w+)/) { const_defined?($1) ? const_get($1).to_s : $& }

  typealias "peer_manager_status", "int32_t"
  typealias "bool", "unsigned char"
  camel = ->(name) { name.split("_").map(&:capitalize).join.to_sym }
  header.scan(/^typedef struct peer_manager_(\w+) \{(.*?)^\}/m) do |name, fields|
    fields = fields.gsub(/\(\*(\w+)\)\([^)]*\)/, '*\1').split(";").map(&:strip).reject(&:empty?) # a pointer to a function
    fields.map! { |field| field =~ /^struct peer_manager_(\w+) (\w+)$/ ? { $2 => const_get(camel[$1]) } : field }
    const_set(camel[name], struct(fields))
  end
  header.scan(/^[\w ]+\**peer_manager_\w+\([^;{]*\);/) { |prototype| extern prototype.gsub(/\s+/, " ").chomp(";") }

  class Failure < StandardError; end

  # A call that can fail, with the error as its last argument: raises a Failure.
  def self.call(name, *arguments)
    error = Error.malloc(Fiddle::RUBY_FREE)
    status = send("peer_manager_#{name}", *arguments, error)
    raise Failure, "error #{peer_manager_status_name(status)}: #{text(error.message)}" if status != OK
  end

  def self.text(chars) = chars.pack("c*").unpack1("Z*").force_encoding("UTF-8")
  def self.number(pointer) = pointer[0, Fiddle::SIZEOF_SIZE_T].unpack1("J")

  def self.parse(text, default_port = 0)
    raise ArgumentError, "the text contains a NUL; leave it out" if text.include?("\0")
    Address.malloc(Fiddle::RUBY_FREE).tap { |address| call(:address_parse, text, default_port, address) }
  end

  def self.format(address)
    buffer = Fiddle::Pointer.malloc(ADDRESS_TEXT_CAPACITY, Fiddle::RUBY_FREE)
    call(:address_format, address, buffer, ADDRESS_TEXT_CAPACITY)
    buffer.to_s
  end

  # Arrays of addresses are their bytes, one after the other.
  def self.array(size) = Fiddle::Pointer.malloc(size * Address.size, Fiddle::RUBY_FREE)
  def self.at(array, index) = Address.new(array + index * Address.size)
end
