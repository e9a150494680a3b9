//! What a host tells of itself: settings, metrics, health, and traces as a collector gets them.

mod bounds;
mod collector;
mod documents;
mod health;
mod metrics;
mod settings;
mod traces;
