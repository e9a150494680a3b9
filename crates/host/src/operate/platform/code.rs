//! What operators change of platform code.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use adapter::verify::verify;
use bytes::Bytes;
use lattice::document::{PlatformCode, StoredComponent, StoredGenerator, StoredSubstitute};
use model::contract::{Contract, ContractName};
use model::digest::Digest;
use model::ids::AppName;
use model::wire::{Side, WireVersion};
use plan::Need;

use super::super::{OperateError, Operator, derive};
use crate::application::Piece;
use crate::generator::{Generator, GeneratorError};

/// A change of platform code.
#[derive(Debug)]
pub enum PlatformPatch {
    /// These in the place of the generated adapters of their contract.
    Adapters(Vec<NewAdapter>),
    /// Generated adapters of a contract again.
    Reset(ContractName),
    /// A generator in the place of the one before.
    Generator(NewGenerator),
    /// The generator inside `lath` again.
    BuiltIn,
    /// Another version of the wire.
    Wire(WireVersion),
}

/// An adapter that is to stand in the place of a generated one.
#[derive(Clone, Debug)]
pub struct NewAdapter {
    stored: StoredSubstitute,
    contract: Arc<Contract>,
    bytes: Arc<[u8]>,
}

/// A generator that was asked what it is.
#[derive(Debug)]
pub struct NewGenerator {
    stored: StoredGenerator,
    bytes: Bytes,
    generator: Arc<Generator>,
}

impl NewAdapter {
    /// Reads the adapter of one side of `contract` from a file, and looks at it: it has to be one, for that contract alone,
    /// in a version of the wire that hosts speak as well.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no such adapter.
    pub fn read(contract: &ContractName, side: Side, path: &Path) -> Result<Self, OperateError> {
        let unfit =
            |reason: String| OperateError::UnfitAdapter { path: path.to_owned(), contract: contract.clone(), reason };
        let (piece, wire) = Piece::adapter(path).map_err(Box::new)?;
        let known = wire.as_deref().and_then(WireVersion::of_id).ok_or_else(|| {
            let ids = WireVersion::ALL.map(WireVersion::id).join(" or ");
            let declared = wire.as_deref().map_or("no wire".to_owned(), |wire| format!("the wire {wire}"));
            unfit(format!("it declares {declared}, and hosts speak {ids}"))
        })?;
        let component = StoredComponent { size: piece.bytes.len() as u64, view: piece.view };
        let stored = StoredSubstitute { side, wire: known, component };
        let given = derive::substitute(&stored);
        let made_for = given.contract().ok_or_else(|| unfit(format!("it is no {side}")))?;
        let found = Arc::clone(made_for);
        if !concerned(contract, &found.name) {
            return Err(unfit(format!("it is an adapter of {}", found.name)));
        }
        verify("the adapter", &piece.bytes, &found, side, known.id()).map_err(|error| unfit(error.to_string()))?;
        Ok(Self { stored, contract: found, bytes: piece.bytes })
    }
}

impl NewGenerator {
    /// A generator out of bytes, which keeps its compiled code in `cache`.
    ///
    /// # Errors
    ///
    /// It is no generator.
    pub async fn of(bytes: Vec<u8>, cache: Option<PathBuf>) -> Result<Self, GeneratorError> {
        let generator = Arc::new(Generator::alone(cache, &bytes).await?);
        let info = generator.info().clone();
        let stored = StoredGenerator {
            digest: Digest::of(&bytes),
            size: bytes.len() as u64,
            name: info.name,
            version: info.version,
        };
        Ok(Self { stored, bytes: bytes.into(), generator })
    }
}

impl PlatformPatch {
    /// The platform code of a lattice after it.
    pub(super) fn applied(&self, before: &PlatformCode) -> PlatformCode {
        let mut code = before.clone();
        match self {
            Self::Adapters(new) => {
                for NewAdapter { stored, contract, .. } in new {
                    let is_it = |one: &StoredSubstitute| {
                        let given = derive::substitute(one);
                        let same = given.contract().is_some_and(|of| concerned(&contract.name, &of.name));
                        same && (one.side, one.wire) == (stored.side, stored.wire)
                    };
                    code.substitutes.retain(|one| !is_it(one));
                    code.substitutes.push(stored.clone());
                }
            }
            Self::Reset(contract) => code.substitutes.retain(|one| {
                let given = derive::substitute(one);
                !given.contract().is_some_and(|of| concerned(contract, &of.name))
            }),
            Self::Generator(new) => code.generator = Some(new.stored.clone()),
            Self::BuiltIn => code.generator = None,
            Self::Wire(wire) => code.wire = *wire,
        }
        code
    }

    /// What has to be in the store for it.
    pub(super) fn bytes(&self) -> Vec<(Digest, Bytes)> {
        match self {
            Self::Adapters(new) => new
                .iter()
                .map(|adapter| (adapter.stored.component.digest(), Bytes::from_owner(Arc::clone(&adapter.bytes))))
                .collect(),
            Self::Generator(new) => vec![(new.stored.digest, new.bytes.clone())],
            Self::Reset(_) | Self::BuiltIn | Self::Wire(_) => Vec::new(),
        }
    }

    /// What makes adapters after it, where that is known already.
    pub(super) fn generator(&self) -> Option<Arc<Generator>> {
        match self {
            Self::Generator(new) => Some(Arc::clone(&new.generator)),
            Self::Adapters(_) | Self::Reset(_) | Self::BuiltIn | Self::Wire(_) => None,
        }
    }

    /// True where the adapter for `need` is to be chosen anew.
    pub(super) fn concerns(&self, need: &Need) -> bool {
        match self {
            Self::Adapters(new) => new.iter().any(|adapter| {
                adapter.stored.side == need.side && concerned(&adapter.contract.name, &need.contract.name)
            }),
            Self::Reset(contract) => concerned(contract, &need.contract.name),
            Self::Generator(_) | Self::BuiltIn => true,
            Self::Wire(_) => false,
        }
    }

    /// Refuses an adapter that does not fit every actor which would get it.
    pub(super) async fn check(&self, operator: &Operator, applications: &[AppName]) -> Result<(), OperateError> {
        let Self::Adapters(new) = self else { return Ok(()) };
        for application in applications {
            let Some((_, runs)) = operator.runs(application).await? else { continue };
            let Some(worn) = operator.worn(application, Some(runs)).await? else { continue };
            for adapter in new {
                let given = derive::substitute(&adapter.stored);
                let misfit = worn.needs().into_iter().find(|need| {
                    let is_its = need.side == given.side && need.wire == given.wire;
                    is_its && concerned(&adapter.contract.name, &need.contract.name) && !given.fits(&need.contract)
                });
                if let Some(need) = misfit {
                    return Err(OperateError::Misfit {
                        application: application.clone(),
                        contract: need.contract.name.clone(),
                        side: given.side,
                    });
                }
            }
        }
        Ok(())
    }
}

/// True where the platform code of one contract is that of the other: the same interface, whichever of its versions is the
/// older; any, where one has none.
fn concerned(named: &ContractName, other: &ContractName) -> bool {
    let any = named.version.is_none() || other.version.is_none();
    named.same_interface(other) && (any || named.serves(other) || other.serves(named))
}
