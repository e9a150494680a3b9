//! Scripts of what happens to a lattice, with all that the planner does about it.

use std::fmt::Write as _;

use plan::placement::{differences, unplaced};

use super::lab::{Lab, app_name, host, host_name, parse_labels};

/// Runs the commands, one a line, and tells every generation that follows from each.
fn script(commands: &str) -> String {
    let mut lab = Lab::default();
    let mut told = String::new();
    for command in commands.lines().map(str::trim).filter(|line| !line.is_empty()) {
        writeln!(told, "> {command}").unwrap();
        obey(&mut lab, command);
        for _ in 0..20 {
            let before = lab.place();
            if before.generation == lab.placement.generation {
                break;
            }
            writeln!(told, "generation {}", lab.placement.generation).unwrap();
            for change in differences(&before, &lab.placement) {
                writeln!(told, "  {change}").unwrap();
            }
            lab.run();
        }
        for lack in unplaced(&lab.demands, &lab.placement, &lab.hosts) {
            writeln!(told, "! {lack}\n  → {}", lack.mend()).unwrap();
        }
        told.push('\n');
    }
    told
}

fn obey(lab: &mut Lab, command: &str) {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        ["hosts", names @ ..] => {
            for name in names {
                lab.hosts.insert(host_name(name), host(&[]));
            }
        }
        ["host", name, labels @ ..] => {
            lab.hosts.insert(host_name(name), host(labels));
        }
        ["label", name, labels @ ..] => lab.host(name).labels = parse_labels(labels),
        ["lose", name] => {
            lab.host(name).alive = false;
            lab.host(name).ready.clear();
        }
        ["return", name] => (lab.host(name).alive, lab.host(name).draining) = (true, false),
        ["forget", name] => {
            lab.hosts.remove(&host_name(name));
        }
        ["drain", name] => lab.host(name).draining = true,
        ["up", application, groups @ ..] => lab.up(application, groups),
        ["down", application] => {
            lab.demands.remove(&app_name(application));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_application_lives() {
    insta::assert_snapshot!(script(
        "hosts h1 h2 h3
         up shop cart*2 tax
         up shop cart*3 tax
         lose h2
         return h2
         host h4
         up blog page
         up shop cart*1 tax
         down blog
         down shop"
    ));
}

#[test]
fn a_host_drains_and_returns() {
    insta::assert_snapshot!(script(
        "hosts h1 h2 h3
         up shop cart*2 tax
         drain h1
         drain h2
         return h1
         drain h3
         return h2
         return h3"
    ));
}

#[test]
fn every_host_drains_in_turn_where_none_is_left_over() {
    insta::assert_snapshot!(script(
        "hosts h1 h2 h3
         up shop cart*3 log*all
         drain h1
         return h1
         drain h2
         return h2
         drain h3
         return h3"
    ));
}

#[test]
fn the_last_host_drains() {
    insta::assert_snapshot!(script(
        "hosts h1
         up shop cart log*all cart2+kv!
         drain h1
         host h2"
    ));
}

#[test]
fn versions_go_forth_and_back() {
    insta::assert_snapshot!(script(
        "hosts h1 h2 h3
         up shop cart*2 tax*2
         up shop cart+tax*2
         up shop cart*2 tax*2 stock
         up shop cart+tax"
    ));
}

#[test]
fn zones_are_filled_evenly() {
    insta::assert_snapshot!(script(
        "host a1 zone=a
         host a2 zone=a
         host a3 zone=a
         host b1 zone=b
         host x1
         up shop cart*2/zone
         up shop cart*4/zone
         up shop cart*5/zone
         host b2 zone=b
         host c1 zone=c
         lose b1
         up shop cart*2/zone"
    ));
}

#[test]
fn labels_are_asked_for_and_change() {
    insta::assert_snapshot!(script(
        "host h1 tier=web
         host h2 tier=web
         host h3 tier=db
         up shop cart*2@tier=web log*all@tier=db
         label h1 tier=db
         label h2 tier=web disk=ssd
         up shop cart*1@tier=gpu log*all@tier=db
         host h4 tier=gpu
         label h4"
    ));
}

#[test]
fn local_state_stays_where_it_is() {
    insta::assert_snapshot!(script(
        "hosts h1 h2 h3
         up shop cart+kv! web*2
         up shop cart+kv! web*2 tax+kv2!
         lose h1
         lose h2
         lose h3
         return h1
         return h2
         return h3
         drain h3
         forget h2
         host h2"
    ));
}

#[test]
fn local_state_is_found_again() {
    insta::assert_snapshot!(script(
        "hosts h1 h2 h3
         up shop cart+kv!
         down shop
         up shop kv! cart*2
         up shop cart
         up shop cart kv!
         down shop
         lose h1
         lose h2
         lose h3
         up shop cart+kv!
         return h1
         return h2
         return h3"
    ));
}

#[test]
fn shared_state_goes_where_it_is_used() {
    insta::assert_snapshot!(script(
        "hosts h1 h2 h3 h4
         up shop cart+kv~*2 tax+kv~ web
         lose h1
         up shop cart+kv~*2 tax web
         up shop cart+kv! tax web"
    ));
}
