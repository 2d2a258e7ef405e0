//! The specifications that services publish at `{base}/_spec` (1 \[C\] for Authentication, \[A\] for the rest), and what they say of
//! routes that are assumed.

use super::{Visit, short};
use crate::cloudlink::{Api, Error};
use crate::doctor::{Held, shape};

impl Visit<'_> {
    pub(super) async fn specifications(&mut self) {
        let mut answered = Vec::new();
        let mut silent = Vec::new();
        for api in Api::ALL {
            match self.get(api, "/_spec").await {
                Ok(answer) => {
                    answered.push(api);
                    let name = api.to_string().to_ascii_lowercase();
                    match answer.json().as_ref().and_then(shape::Spec::of) {
                        Some(spec) => {
                            self.ok("_spec", format!("{name}: {}, {} routes", spec.title, spec.routes.len()));
                            self.routes(api, &spec);
                        }
                        None => self.ok("_spec", format!("{name}: an answer that is no specification in JSON")),
                    }
                    self.found.specs.push((name, answer.body));
                }
                Err(error) => {
                    if matches!(error, Error::Answered(_)) {
                        answered.push(api);
                    } else {
                        silent.push(api);
                    }
                    self.ok("_spec", format!("{}: {}", api.to_string().to_ascii_lowercase(), short(&error)));
                }
            }
        }
        let names = |apis: &[Api]| apis.iter().map(Api::to_string).collect::<Vec<_>>().join(", ");
        if silent.is_empty() {
            self.learn("hosts", Held::Yes, format!("there is an answer of {}", names(&answered)));
        } else {
            self.learn("hosts", Held::No, format!("there is no answer of {}", names(&silent)));
            let todo = "set the address by [cloudlink] urls, or look at the network";
            self.warn("hosts", format!("no answer of {}", names(&silent)), todo);
        }
    }

    /// What a specification says of the routes that are assumed.
    fn routes(&mut self, _api: Api, _spec: &shape::Spec) {}
}
