;; A composite whose first part sends a message as it starts, before its last part asks for four megabytes.
(component
  (import "send0" (instance $sender
    (type $case-of-error (variant
      (case "deadline-exceeded" string) (case "not-initialized") (case "method-not-handled" string)
      (case "not-implemented") (case "host-error" string) (case "deser" string) (case "ser" string)
      (case "rpc" string) (case "transport" string) (case "invalid-parameter" string) (case "actor-handler" string)
      (case "provider-init" string) (case "timeout" string) (case "other" string)))
    (export "rpc-error" (type $error (eq $case-of-error)))
    (type $parts (record (field "method" string) (field "arg" (list u8))))
    (export "message" (type $message (eq $parts)))
    (export "send" (func
      (param "msg" $message) (param "contract-name" string) (param "link-name" (option string))
      (result (result (list u8) (error $error)))))))
  (alias export $sender "rpc-error" (type $error))
  (alias export $sender "message" (type $message))

  (core module $base
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $base (instantiate $base))
  (core func $send (canon lower (func $sender "send") (memory (core memory $base "memory")) (realloc (core func $base "realloc"))))
  (core module $first
    (import "sender" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (func $start
      (call $send
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64)))
    (start $start))
  (core instance (instantiate $first (with "sender" (instance (export "send" (func $send))))))
  (core module $last
    (memory 64)
    (func (export "receive") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $last (instantiate $last))

  (func $receive (param "msg" $message) (result (result (list u8) (error $error)))
    (canon lift (core func $last "receive") (memory (core memory $base "memory")) (realloc (core func $base "realloc"))))
  (instance $receiver (export "receive" (func $receive)))
  (export "receive0" (instance $receiver)))
