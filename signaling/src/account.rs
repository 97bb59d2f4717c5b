//! Accounts as the operator gives them on the command line: the first ones of a new server have to come
//! from somewhere, and nobody is signed in yet.

use std::path::Path;

use protocol::api::Account;
use protocol::id::AccountId;
use protocol::role::AccountRole;
use protocol::time::Timestamp;

use crate::clock;
use crate::db::{Db, DbError, accounts};
use crate::error::Error;
use crate::http::passwords;
use crate::secret::{Secret, entropy};

/// Longest sign-in name and longest shown name, in characters.
const NAME_CHARS_MAX: usize = 100;

/// Makes an account, or gives an existing one a new password and nothing else. Returns the password, which
/// is kept nowhere. May be called while a server runs on the same folder.
///
/// # Errors
/// [`Error::InvalidAccount`] for a sign-in name that is not 1 to 100 of `a-z 0-9 . _ -` or a name that is
/// empty or too long; otherwise what the database says.
pub async fn give(
    data: &Path,
    username: &str,
    name: &str,
    role: AccountRole,
) -> Result<String, Error> {
    if !is_username(username) {
        return Err(Error::InvalidAccount("a sign-in name is 1 to 100 of a-z 0-9 . _ -"));
    }
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(Error::InvalidAccount("the shown name has 1 to 100 characters"));
    }
    let db = Db::open(data).await?;
    let password = new_password();
    let result = set(&db, username, name.trim(), role, &password, clock::now()).await;
    db.close().await;
    result.map(|()| password)
}

fn is_username(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Makes the account if it is missing, and sees to it that `password` opens it.
pub(crate) async fn set(
    db: &Db,
    username: &str,
    name: &str,
    role: AccountRole,
    password: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let found = accounts::find_by_username(db, username).await?;
    let (wanted, before) = (password.to_owned(), found.as_ref().map(|it| it.password_hash.clone()));
    let hash = tokio::task::spawn_blocking(move || {
        let fits = before.is_some_and(|it| passwords::verify(&wanted, &it));
        (!fits).then(|| passwords::hash(&wanted))
    })
    .await
    .map_err(|error| DbError::Corrupt(format!("a password could not be hashed: {error}")))?;
    let Some(hash) = hash else { return Ok(()) };
    let hash =
        hash.map_err(|_| DbError::Corrupt("a password could not be hashed: no memory".to_owned()))?;
    match found {
        Some(found) => accounts::set_password(db, found.account.id, &hash).await?,
        None => {
            let id = AccountId::from_parts(u64::try_from(now.0).unwrap_or(0), entropy());
            let (username, name) = (username.to_owned(), name.to_owned());
            accounts::insert(db, &Account { id, username, name, role }, &hash, now).await?;
        }
    }
    Ok(())
}

/// 50 random bits in two groups that can be read out over the telephone.
pub(crate) fn new_password() -> String {
    let text = Secret::<7>::random().to_text();
    format!("{}-{}", &text[..5], &text[5..10])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_account_is_made_once_and_then_only_gets_a_new_password() {
        let data = tempfile::tempdir().unwrap();
        let first = give(data.path(), "vp.tinh", "Văn phòng", AccountRole::Host).await.unwrap();
        let second = give(data.path(), "vp.tinh", "Tên khác", AccountRole::Admin).await.unwrap();
        assert_ne!(first, second);
        let db = Db::open(data.path()).await.unwrap();
        let found = accounts::find_by_username(&db, "vp.tinh").await.unwrap().unwrap();
        assert_eq!(
            (found.account.name.as_str(), found.account.role),
            ("Văn phòng", AccountRole::Host)
        );
        assert!(passwords::verify(&second, &found.password_hash));
        assert!(!passwords::verify(&first, &found.password_hash));
    }

    #[tokio::test]
    async fn a_name_that_nobody_could_type_is_refused() {
        let data = tempfile::tempdir().unwrap();
        for username in ["", "Văn phòng", "a b", "../x"] {
            let refused = give(data.path(), username, "Tên", AccountRole::Host).await;
            assert!(matches!(refused, Err(Error::InvalidAccount(_))), "{username:?}");
        }
    }
}
