//! `rch login` and `rch logout`: which farm is ours, and by which key it is known.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rch_schemas::document::Farm;
use reqwest::Url;
use serde_json::json;

use super::Context;
use crate::cli::LoginFlags;
use crate::config::{coordinator_url, may_hold_a_password, set_coordinator, user_coordinator};
use crate::credentials::{Access, Credentials, CredentialsError, Login, PlainHttp, Token, address, replace};
use crate::error::CommandError;
use crate::farm::{FarmClient, FarmError};
use crate::output::{Ending, Label};

/// The mode of a configuration that is new; it holds nothing secret.
const CONFIG_MODE: u32 = 0o644;

/// Asks the farm who it is, pins its key, and keeps the token for it.
pub(crate) async fn login(context: &mut Context<'_>, flags: LoginFlags) -> Result<Ending, CommandError> {
    let url = parse(&flags.url)?;
    let mut credentials = Credentials::read(&context.environment)?;
    credentials.path()?;
    let known = credentials.access(&url, &context.environment)?;
    let given = given_token(&flags)?;
    let plain_http = if flags.insecure_http { PlainHttp::Allowed } else { known.plain_http };
    let token = given.or_else(|| known.token.clone());
    let pinned = known.pinned.clone().filter(|_| !flags.replace_key);
    let client = FarmClient::with(url.clone(), &Access { token: token.clone(), pinned, plain_http })?;
    let farm = client.farm().await?;
    expect_key(&url, &farm, &flags)?;
    let login = Login { name: farm.name.clone(), public_key: farm.public_key.clone(), token, plain_http };
    credentials.keep(&url, &login)?;
    tell(context, &farm, &known, &login);
    let path = credentials.path()?.display().to_string();
    context.reporter.fact(&Label::Written, &path);
    let is_default = make_default(context, &url)?;
    let document = json!({
        "url": address(&url), "name": farm.name, "version": farm.version, "protocol": farm.protocol,
        "public_key": farm.public_key, "fingerprint": farm.public_key.fingerprint(), "has_token": login.token.is_some(),
        "credentials": path, "is_default": is_default,
    });
    Ok(Ending::success(format!("{} is known by its key", farm.name)).with_document(document))
}

/// Forgets key and token.
pub(crate) fn logout(context: &mut Context<'_>, url: &str) -> Result<Ending, CommandError> {
    let url = parse(url)?;
    let mut credentials = Credentials::read(&context.environment)?;
    if !credentials.forget(&url)? {
        let known: Vec<&str> = credentials.addresses().collect();
        let none = format!("there is no login for {}", address(&url));
        return Err(match known.as_slice() {
            [] => CommandError::NotFound { what: none, fix: "there is none at all, so nothing is to be forgotten" },
            known => CommandError::NotFound { what: format!("{none}; there are: {}", known.join(", ")), fix: "name one of them" },
        });
    }
    let path = credentials.path()?.display().to_string();
    context.reporter.fact(&Label::Written, &format!("{path}: the key and the token of {} are gone", address(&url)));
    if context.environment.user_config().as_deref().and_then(user_coordinator).is_some_and(|set| address(&set) == address(&url)) {
        context.reporter.fact(&Label::Notice, "coordinator in ~/.config/rch/config.toml still names it");
    }
    Ok(Ending::success("logged out").with_document(json!({ "url": address(&url), "credentials": path })))
}

fn parse(text: &str) -> Result<Url, CommandError> {
    coordinator_url(text).ok_or_else(|| {
        let found = if may_hold_a_password(text) { "(not shown)".to_owned() } else { text.chars().take(200).collect() };
        CredentialsError::Address { found }.into()
    })
}

fn given_token(flags: &LoginFlags) -> Result<Option<Token>, CommandError> {
    if flags.token_stdin {
        return Ok(Some(Token::read(io::stdin().lock(), "standard input")?));
    }
    let Some(path) = &flags.token_file else { return Ok(None) };
    let file = File::open(path).map_err(|source| CredentialsError::Unreadable { path: path.clone(), source })?;
    Ok(Some(Token::read(file, &path.display().to_string())?))
}

/// A fingerprint that was given by other means beats trust at first sight.
fn expect_key(url: &Url, farm: &Farm, flags: &LoginFlags) -> Result<(), CommandError> {
    let found = farm.public_key.fingerprint();
    match flags.key {
        Some(expected) if expected != found => Err(FarmError::OtherKey { url: address(url), expected, found }.into()),
        Some(_) | None => Ok(()),
    }
}

fn tell(context: &mut Context<'_>, farm: &Farm, known: &Access, login: &Login) {
    let reporter = &mut *context.reporter;
    reporter.fact(&Label::Farm, &format!("{}, rch {}, protocol {}", farm.name, farm.version, farm.protocol));
    let became = match &known.pinned {
        None => "pinned at first sight",
        Some(pinned) if *pinned == farm.public_key => "as pinned before",
        Some(_) => "pinned instead of the one before",
    };
    reporter.fact(&Label::Key, &format!("{}, {became}", farm.public_key.fingerprint()));
    if known.pinned.is_none() {
        reporter.detail("compare it with the fingerprint that the farm's operators name");
    }
    match &login.token {
        None => reporter.fact(&Label::Token, "none: the farm answers without"),
        Some(_) if known.token == login.token => reporter.fact(&Label::Token, "kept"),
        Some(_) => reporter.fact(&Label::Token, "stored"),
    }
}

/// Makes it the farm of commands that name none, unless there is one; whether it is that farm now.
fn make_default(context: &mut Context<'_>, url: &Url) -> Result<bool, CommandError> {
    let path = context.environment.user_config().ok_or(CredentialsError::NoPlace)?;
    if let Some(set) = user_coordinator(&path) {
        let is_ours = address(&set) == address(url);
        if !is_ours {
            let text = format!("{} names another coordinator; this one is used with --coordinator {}", path.display(), address(url));
            context.reporter.fact(&Label::Notice, &text);
        }
        return Ok(is_ours);
    }
    let unwritable = |source| CommandError::Local { what: "cannot write", path: path.clone(), source };
    let before = if path.exists() { fs::read_to_string(&path).map_err(unwritable)? } else { String::new() };
    let mode = permissions(&path);
    let Some(after) = set_coordinator(&before, &address(url)) else {
        let text = format!("{} could not be changed; write into it: coordinator = {:?}", path.display(), address(url));
        context.reporter.fact(&Label::Notice, &text);
        return Ok(false);
    };
    replace(&path, &after, mode).map_err(unwritable)?;
    context.reporter.fact(&Label::Written, &format!("{}: coordinator = {:?}", path.display(), address(url)));
    Ok(true)
}

fn permissions(path: &Path) -> u32 {
    fs::metadata(path).map_or(CONFIG_MODE, |metadata| metadata.permissions().mode() & 0o7777)
}
