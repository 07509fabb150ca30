;; A plugin written straight against `wit/`, with no SDK and no generated bindings: it serves the stage "Raw"
;; and sends every task along the pathway "Next", at priority 0.25.
(component
  ;; Of the contract it needs two resources and one function.
  (import "runner:stage/context@0.1.0" (instance $context
    (export "context" (type (sub resource)))))
  (import "runner:stage/declaration@0.1.0" (instance $declaration
    (export "declaration" (type $type (sub resource)))
    (export "[constructor]declaration" (func (param "stage" string) (result (own $type))))))
  (alias export $context "context" (type $context-type))
  (alias export $declaration "declaration" (type $declaration-type))
  (alias export $declaration "[constructor]declaration" (func $new))

  (core module $heap-module
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 4096))
    ;; Nothing is ever given back: an instance lives for one call.
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
      (result i32)
      (local $at i32)
      (local.set $at
        (i32.and
          (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $heap (instantiate $heap-module))
  (core func $lowered-new (canon lower (func $new) (memory $heap "memory")))
  (core func $drop-context (canon resource.drop $context-type))

  (core module $agent-module
    (import "heap" "memory" (memory 1))
    (import "host" "new-declaration" (func $new (param i32 i32) (result i32)))
    (import "host" "drop-context" (func $drop-context (param i32)))
    (data (i32.const 16) "Raw")
    (data (i32.const 32) "Next")
    ;; list<declaration>: address and length at 1032, the one handle at 1024.
    (func (export "describe") (result i32)
      (i32.store (i32.const 1024) (call $new (i32.const 16) (i32.const 3)))
      (i32.store (i32.const 1032) (i32.const 1024))
      (i32.store (i32.const 1036) (i32.const 1))
      (i32.const 1032))
    ;; result<outcome, error> at 2048: ok, some pathway, some priority.
    (func (export "run") (param $stage i32) (param $stage-length i32) (param $context i32) (result i32)
      (call $drop-context (local.get $context))
      (i32.store8 (i32.const 2048) (i32.const 0))
      (i32.store8 (i32.const 2056) (i32.const 1))
      (i32.store (i32.const 2060) (i32.const 32))
      (i32.store (i32.const 2064) (i32.const 4))
      (i32.store8 (i32.const 2072) (i32.const 1))
      (f64.store (i32.const 2080) (f64.const 0.25))
      (i32.const 2048)))
  (core instance $agent (instantiate $agent-module
    (with "heap" (instance $heap))
    (with "host" (instance
      (export "new-declaration" (func $lowered-new))
      (export "drop-context" (func $drop-context))))))

  (type $outcome (record (field "pathway" (option string)) (field "priority" (option f64))))
  (type $error (variant
    (case "not-found" string) (case "forbidden" string) (case "invalid-argument" string)
    (case "unsupported" string) (case "unavailable" string) (case "too-large" string) (case "other" string)
    (case "retryable" string) (case "fatal" string)))
  (func $describe (result (list (own $declaration-type)))
    (canon lift (core func $agent "describe") (memory $heap "memory")))
  (func $run (param "stage" string) (param "context" (own $context-type))
    (result (result $outcome (error $error)))
    (canon lift (core func $agent "run") (memory $heap "memory") (realloc (func $heap "realloc"))))
  (instance $exported-plugin
    (export "describe" (func $describe)))
  (instance $exported-agent
    (export "outcome" (type $outcome))
    (export "error" (type $error))
    (export "run" (func $run)))
  (export "runner:stage/plugin@0.1.0" (instance $exported-plugin))
  (export "runner:stage/agent@0.1.0" (instance $exported-agent)))
