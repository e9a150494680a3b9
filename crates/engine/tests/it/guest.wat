;; A guest whose behaviour is the first letter of the method.
(module
  (import "send0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.check-write" (func $check_write (param i32 i32)))
  (import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
  (import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
  (import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $alarm (param i64) (result i32)))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
  (import "wasi:random/random@0.2.0" "get-random-bytes" (func $random_bytes (param i64 i32)))
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
  (import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket" (func $tcp (param i32 i32)))

  (memory (export "memory") 1)
  (memory $other 0)
  (table $narrow 1 funcref)
  (table $wide i64 1 funcref)
  (global $calls (mut i32) (i32.const 0))
  (global $free (mut i32) (i32.const 4096))
  (data (i32.const 1024) "test:other/api")

  ;; The result: 0 ok or 1 error at 64; list, or case of the error, at 68.
  (func $ok (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 64) (i32.const 0))
    (i32.store (i32.const 68) (local.get $at))
    (i32.store (i32.const 72) (local.get $len))
    (i32.const 64))
  (func $error (param $case i32) (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 64) (i32.const 1))
    (i32.store (i32.const 68) (local.get $case))
    (i32.store (i32.const 72) (local.get $at))
    (i32.store (i32.const 76) (local.get $len))
    (i32.const 64))
  (func $ok_u64 (param $value i64) (result i32)
    (i64.store (i32.const 128) (local.get $value))
    (call $ok (i32.const 128) (i32.const 8)))

  (func $spin (loop $again (br $again)))
  (func $recurse (param i32) (result i32)
    (i32.add (i32.const 1) (call $recurse (i32.add (local.get 0) (i32.const 1)))))
  ;; Takes memory, a megabyte at a time, until it is refused.
  (func $hoard
    (loop $again
      (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))))
  (func $hoard_both
    (loop $again
      (drop (memory.grow (i32.const 16)))
      (br_if $again (i32.ne (memory.grow $other (i32.const 16)) (i32.const -1)))))
  ;; Between two steps it asks for more elements than can be counted.
  (func $hoard_astray
    (loop $again
      (drop (table.grow $wide (ref.null func) (i64.const -1)))
      (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))))
  (func $hoard_table
    (loop $again
      (br_if $again (i32.ne (table.grow $narrow (ref.null func) (i32.const 4096)) (i32.const -1)))))
  (func $hoard_streams (loop $again (drop (call $stdout)) (br $again)))

  (func (export "receive0#receive") (param $m i32) (param $ml i32) (param $a i32) (param $al i32) (result i32)
    (local $letter i32)
    (local.set $letter (i32.load8_u (local.get $m)))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    ;; e: echo
    (if (i32.eq (local.get $letter) (i32.const 0x65)) (then (return (call $ok (local.get $a) (local.get $al)))))
    ;; f: forward, and answer as the other did
    (if (i32.eq (local.get $letter) (i32.const 0x66)) (then
      (call $send
        (i32.add (local.get $m) (i32.const 1)) (i32.sub (local.get $ml) (i32.const 1))
        (local.get $a) (local.get $al)
        (i32.const 1024) (i32.const 14)
        (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 64))
      (return (i32.const 64))))
    ;; u: unreachable
    (if (i32.eq (local.get $letter) (i32.const 0x75)) (then (unreachable)))
    ;; s: spin
    (if (i32.eq (local.get $letter) (i32.const 0x73)) (then (call $spin)))
    ;; r: recurse for ever
    (if (i32.eq (local.get $letter) (i32.const 0x72)) (then (return (call $recurse (i32.const 0)))))
    ;; g: hoard memory, then go on; G: then trap
    (if (i32.eq (local.get $letter) (i32.const 0x67)) (then
      (call $hoard) (return (call $ok_u64 (i64.extend_i32_u (memory.size))))))
    (if (i32.eq (local.get $letter) (i32.const 0x47)) (then (call $hoard) (unreachable)))
    ;; A: hoard, with steps between that cannot succeed
    (if (i32.eq (local.get $letter) (i32.const 0x41)) (then
      (call $hoard_astray) (return (call $ok_u64 (i64.extend_i32_u (memory.size))))))
    ;; B: hoard in two memories; T: in a table; then trap
    (if (i32.eq (local.get $letter) (i32.const 0x42)) (then
      (call $hoard_both)
      (return (call $ok_u64 (i64.extend_i32_u (i32.add (memory.size) (memory.size $other)))))))
    (if (i32.eq (local.get $letter) (i32.const 0x54)) (then (call $hoard_table) (unreachable)))
    ;; S: hoard streams of the host
    (if (i32.eq (local.get $letter) (i32.const 0x53)) (then (call $hoard_streams)))
    ;; n: how often this instance was called
    (if (i32.eq (local.get $letter) (i32.const 0x6e)) (then
      (return (call $ok_u64 (i64.extend_i32_u (global.get $calls))))))
    ;; x: fail with invalid-parameter and the payload
    (if (i32.eq (local.get $letter) (i32.const 0x78)) (then
      (return (call $error (i32.const 9) (local.get $a) (local.get $al)))))
    ;; b: reply with as many bytes as the payload says
    (if (i32.eq (local.get $letter) (i32.const 0x62)) (then
      (drop (memory.grow (i32.const 64)))
      (return (call $ok (i32.const 0) (i32.load (local.get $a))))))
    ;; i: reply from outside of memory
    (if (i32.eq (local.get $letter) (i32.const 0x69)) (then (return (call $ok (i32.const -8) (i32.const 8)))))
    ;; o: write the payload to stdout
    (if (i32.eq (local.get $letter) (i32.const 0x6f)) (then
      (call $write (call $stdout) (local.get $a) (local.get $al) (i32.const 128))
      (return (call $ok (i32.const 0) (i32.const 0)))))
    ;; O: three times, to one stream; k: how much may be written at once
    (if (i32.eq (local.get $letter) (i32.const 0x4f)) (then
      (local.set $letter (call $stdout))
      (call $write (local.get $letter) (local.get $a) (local.get $al) (i32.const 128))
      (call $write (local.get $letter) (local.get $a) (local.get $al) (i32.const 128))
      (call $write (local.get $letter) (local.get $a) (local.get $al) (i32.const 128))
      (return (call $ok (i32.const 0) (i32.const 0)))))
    (if (i32.eq (local.get $letter) (i32.const 0x6b)) (then
      (call $check_write (call $stdout) (i32.const 128))
      (return (call $ok_u64 (i64.load (i32.const 136))))))
    ;; E: the number of environment variables and arguments
    (if (i32.eq (local.get $letter) (i32.const 0x45)) (then
      (call $environment (i32.const 128))
      (call $arguments (i32.const 136))
      (return (call $ok_u64 (i64.extend_i32_u
        (i32.add (i32.load (i32.const 132)) (i32.mul (i32.const 100) (i32.load (i32.const 140)))))))))
    ;; t: the monotonic clock; w: seconds since 1970; R: a random number
    (if (i32.eq (local.get $letter) (i32.const 0x74)) (then (return (call $ok_u64 (call $now)))))
    (if (i32.eq (local.get $letter) (i32.const 0x77)) (then
      (call $wall (i32.const 256)) (return (call $ok_u64 (i64.load (i32.const 256))))))
    (if (i32.eq (local.get $letter) (i32.const 0x52)) (then (return (call $ok_u64 (call $random)))))
    ;; Q: two megabytes of random bytes
    (if (i32.eq (local.get $letter) (i32.const 0x51)) (then
      (call $random_bytes (i64.const 2097152) (i32.const 128))))
    ;; z: sleep for a minute
    (if (i32.eq (local.get $letter) (i32.const 0x7a)) (then (call $block (call $alarm (i64.const 60000000000)))))
    ;; d: the number of open folders
    (if (i32.eq (local.get $letter) (i32.const 0x64)) (then
      (call $directories (i32.const 128)) (return (call $ok_u64 (i64.load32_u (i32.const 132))))))
    ;; c: open a socket: 0, or 1 and the error's case
    (if (i32.eq (local.get $letter) (i32.const 0x63)) (then
      (call $tcp (i32.const 0) (i32.const 128)) (return (call $ok (i32.const 128) (i32.const 5)))))
    ;; q: exit
    (if (i32.eq (local.get $letter) (i32.const 0x71)) (then (call $exit (i32.const 1))))
    ;; anything else: method-not-handled
    (call $error (i32.const 2) (local.get $m) (local.get $ml)))

  (func (export "cabi_post_receive0#receive") (param i32) (global.set $free (i32.const 4096)))
  (func (export "cabi_realloc") (param $old i32) (param $old_len i32) (param $align i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (block $enough
      (loop $grow
        (br_if $enough (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
        (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
        (br $grow)))
    (local.get $at))
)
