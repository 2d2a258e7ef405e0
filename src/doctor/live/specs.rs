//! The specifications that services publish at `{base}/_spec` (1 \[C\] for Authentication, \[A\] for the rest), and what they say of
//! routes that are assumed.

use super::{Visit, short};
use crate::cloudlink::{Api, Error, Mark, ROUTES};
use crate::doctor::{Held, shape};

impl Visit<'_> {
    pub(super) async fn specifications(&mut self) {
        let mut answered = Vec::new();
        let mut silent = Vec::new();
        for api in Api::ALL {
            if self.cloudlink.base(api).is_err() {
                self.learn("service-delivery", Held::Unclear, "its address is not set");
                continue;
            }
            match self.get(api, "/_spec").await {
                Ok(answer) => {
                    answered.push(api);
                    let name = api.name().to_owned();
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
                    self.ok("_spec", format!("{}: {}", api.name(), short(&error)));
                }
            }
        }
        self.learn_routes();
        let names = |apis: &[Api]| apis.iter().map(Api::to_string).collect::<Vec<_>>().join(", ");
        if silent.is_empty() {
            self.learn("hosts", Held::Yes, format!("there is an answer of {}", names(&answered)));
        } else {
            self.learn("hosts", Held::No, format!("there is no answer of {}", names(&silent)));
            let todo = "set the address by [cloudlink] urls, or look at the network";
            self.warn("hosts", format!("no answer of {}", names(&silent)), todo);
        }
    }

    /// What a specification says of the routes that are not confirmed, where the settings have them.
    fn routes(&mut self, api: Api, spec: &shape::Spec) {
        let assumed = ROUTES.iter().filter(|route| route.place.api() == api && route.mark != Mark::Confirmed);
        for route in assumed {
            let path = self.options.paths.template(route.place);
            let told = if spec.has(route.method, path) { &mut self.there } else { &mut self.missing };
            told.push(format!("{} {path}", route.method));
        }
    }

    /// What all specifications together say of them.
    fn learn_routes(&mut self) {
        let (there, missing) = (std::mem::take(&mut self.there), std::mem::take(&mut self.missing));
        match (there.len(), missing.len()) {
            (0, 0) => self.learn("routes", Held::Unclear, "no service publishes a specification that tells"),
            (found, 0) => self.learn("routes", Held::Yes, format!("{found} are in what services publish")),
            (found, number) => {
                let saw = format!("{found} are in what services publish, {number} are not: {}", missing.join(", "));
                self.learn("routes", Held::No, saw);
            }
        }
    }
}
