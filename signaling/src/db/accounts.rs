//! Accounts and their sign-in sessions.

use protocol::api::Account;
use protocol::id::AccountId;
use protocol::role::AccountRole;
use protocol::time::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Db, Result, parsed, to_word, word};

/// An account with the hash that its password is checked against.
pub(crate) struct AccountSecret {
    pub(crate) account: Account,
    pub(crate) password_hash: String,
}

/// Adds an account. The name must be new.
pub(crate) async fn insert(
    db: &Db,
    account: &Account,
    password_hash: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "insert into account (account_id, username, name, role, password_hash, created_at) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(account.id.to_string())
    .bind(&account.username)
    .bind(&account.name)
    .bind(to_word(account.role))
    .bind(password_hash)
    .bind(now.0)
    .execute(&db.write)
    .await?;
    Ok(())
}

/// Gives an account another password.
pub(crate) async fn set_password(db: &Db, id: AccountId, password_hash: &str) -> Result<()> {
    sqlx::query("update account set password_hash = $1 where account_id = $2")
        .bind(password_hash)
        .bind(id.to_string())
        .execute(&db.write)
        .await?;
    Ok(())
}

/// Finds an account by its sign-in name.
pub(crate) async fn find_by_username(db: &Db, username: &str) -> Result<Option<AccountSecret>> {
    let row = sqlx::query(
        "select account_id, username, name, role, password_hash from account where username = $1",
    )
    .bind(username)
    .fetch_optional(&db.read)
    .await?;
    row.map(|row| {
        Ok(AccountSecret { account: account(&row)?, password_hash: row.try_get("password_hash")? })
    })
    .transpose()
}

fn account(row: &SqliteRow) -> Result<Account> {
    Ok(Account {
        id: parsed(row, "account_id")?,
        username: row.try_get("username")?,
        name: row.try_get("name")?,
        role: word::<AccountRole>(row, "role")?,
    })
}

/// Opens a session, and forgets those that have expired.
pub(crate) async fn insert_session(
    db: &Db,
    token_hash: &str,
    account: AccountId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    let mut tx = db.write.begin().await?;
    sqlx::query("delete from session where expires_at <= $1").bind(now.0).execute(&mut *tx).await?;
    sqlx::query(
        "insert into session (token_hash, account_id, created_at, expires_at) \
         values ($1, $2, $3, $4)",
    )
    .bind(token_hash)
    .bind(account.to_string())
    .bind(now.0)
    .bind(expires_at.0)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Who is signed in with this session.
pub(crate) async fn find_session(
    db: &Db,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<Account>> {
    let row = sqlx::query(
        "select account.account_id, username, name, role from session \
         join account on account.account_id = session.account_id \
         where token_hash = $1 and expires_at > $2",
    )
    .bind(token_hash)
    .bind(now.0)
    .fetch_optional(&db.read)
    .await?;
    row.map(|row| account(&row)).transpose()
}

/// Signs a browser out.
pub(crate) async fn delete_session(db: &Db, token_hash: &str) -> Result<()> {
    sqlx::query("delete from session where token_hash = $1")
        .bind(token_hash)
        .execute(&db.write)
        .await?;
    Ok(())
}
