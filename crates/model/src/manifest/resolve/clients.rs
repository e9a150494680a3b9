//! Clients: the actors that they may call.

use std::collections::BTreeSet;

use super::super::client::MayCall;
use super::super::file::ClientFile;
use super::super::tree::Notes;
use super::distinct;
use super::links::Names;

pub(super) fn resolve(file: ClientFile, names: &Names, notes: &mut Notes) -> Option<BTreeSet<MayCall>> {
    let may = file.may?;
    for contract in &may {
        names.check_callee(contract, notes);
    }
    Some(distinct(may, notes))
}
