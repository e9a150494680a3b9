use xtask::task::{Demo, Task, help};

fn check(line: &str, expected: Result<Task, &str>) {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    match (Task::parse(&words), expected) {
        (Ok(task), Ok(expected)) => assert_eq!(task, expected, "{line}"),
        (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{line}: {error}"),
        (result, _) => panic!("{line}: {result:?}"),
    }
}

#[test]
fn command_lines_are_read() {
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    check("", Ok(Task::Help));
    check("--help", Ok(Task::Help));
    check("setup", Ok(Task::Setup));
    check("demo", Ok(Task::Demo(Demo::Run)));
    check("demo lattice", Ok(Task::Demo(Demo::Lattice)));
    check("demo latice", Err("takes `lattice` or nothing, not `latice`"));
    check("guests", Ok(Task::Guests { names: Vec::new() }));
    check("guests cart tax", Ok(Task::Guests { names: list(&["cart", "tax"]) }));
    check("test", Ok(Task::Test { long: false, args: Vec::new() }));
    check("test --long -- -p model", Ok(Task::Test { long: true, args: list(&["-p", "model"]) }));
    check("chaos", Ok(Task::Chaos { smoke: false, args: Vec::new() }));
    check("chaos --smoke -- --only bad", Ok(Task::Chaos { smoke: true, args: list(&["--only", "bad"]) }));
    check("bench -- http", Ok(Task::Bench { args: list(&["http"]) }));
    check("guests nothing", Err("no guest `nothing`; there are kvcounter"));
    check("test --fast", Err("not `--fast`"));
    check("ci now", Err("does not take `now`"));
    check("ci -- now", Err("takes nothing after `--`"));
    check("deploy", Err("no task `deploy`"));
}

#[test]
fn help_names_every_task() {
    let help = help();
    for task in ["demo", "test", "ci", "chaos", "bench", "setup", "guests", "tidy"] {
        assert!(help.contains(&format!("\n  {task} ")), "{task}");
    }
}
