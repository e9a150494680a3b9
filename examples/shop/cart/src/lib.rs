//! Prices a cart: `/cart?item=book:2:1250&item=wine:1:990&country=de`.
//! Where the tax is worked out, and in which language, it does not know.

wit_bindgen::generate!({ world: "cart", path: "../wit", generate_all });

mod json;

use acme::tax::rates::{self, Item, TaxError};
use exports::lath::httpserver::handler::{Guest, HttpRequest, HttpResponse, RpcError};
use serde_json::{Value, json};

struct Cart;
export!(Cart);

impl Guest for Cart {
    fn handle_request(req: HttpRequest) -> Result<HttpResponse, RpcError> {
        let (status_code, body) = match Order::parse(&req.query_string) {
            Ok(order) => price(&order),
            Err(problem) => (400, json!({ "error": { "bad-request": problem } })),
        };
        Ok(HttpResponse {
            status_code,
            header: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into_bytes(),
        })
    }
}

fn price(order: &Order) -> (u16, Value) {
    match rates::assess(&order.country, &order.items) {
        Ok(assessment) => (200, json::assessment(&order.country, &assessment)),
        Err(error) => (status_of(&error), json!({ "error": json::error(&error) })),
    }
}

fn status_of(error: &TaxError) -> u16 {
    match error {
        TaxError::UnknownCountry(_) | TaxError::BadItem(_) => 422,
        TaxError::Transport(_) => 503,
    }
}

struct Order {
    country: String,
    items: Vec<Item>,
}

impl Order {
    fn parse(query: &str) -> Result<Self, String> {
        let mut order = Order { country: "de".into(), items: Vec::new() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "country" => order.country = value.into_owned(),
                "item" => order.items.push(item(&value)?),
                other => {
                    return Err(format!("unknown parameter `{other}`; use `item` and `country`"));
                }
            }
        }
        Ok(order)
    }
}

fn item(text: &str) -> Result<Item, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let parsed = match parts[..] {
        [name, quantity, cents] => quantity.parse().ok().zip(cents.parse().ok()).map(|(quantity, price_cents)| Item {
            name: name.into(),
            quantity,
            price_cents,
        }),
        _ => None,
    };
    parsed.ok_or_else(|| format!("`{text}` is not an item; write `name:quantity:cents`"))
}
