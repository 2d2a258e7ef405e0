//! What is on disk, who may see it, and what two writers leave.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn stored(token: &str) -> Stored {
    let at = "2026-02-03T08:15:00Z".parse().unwrap();
    Stored {
        refresh_token: Secret::new(token),
        issuer: "http://127.0.0.1/2017-09-01".into(),
        client_id: Some("app".into()),
        seed: None,
        login: "l1".into(),
        signed_in: at,
        stored: at,
    }
}

/// A state folder that is not there yet, and the store in it.
fn place() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(&folder.path().join("state"), "main");
    (folder, store)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn what_was_written_is_read_and_nobody_else_can() {
    let (folder, store) = place();
    assert_eq!(store.read().unwrap(), None);
    let lock = store.try_lock().unwrap().unwrap();
    for token in ["first", "second"] {
        lock.write(&stored(token)).unwrap();
        assert_eq!(store.read().unwrap(), Some(stored(token)));
    }
    assert_eq!(store.path(), folder.path().join("state/sign-in/main.json"));
    assert_eq!((mode(&store.folder()), mode(&store.path())), (0o700, 0o600));
    let left: Vec<_> = std::fs::read_dir(store.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the file and the lock: {left:?}");
    assert!(lock.remove().unwrap() && !lock.remove().unwrap());
    assert_eq!(store.read().unwrap(), None);
}

#[test]
fn one_has_the_lock() {
    let (_folder, store) = place();
    let lock = store.try_lock().unwrap();
    assert!(lock.is_some() && store.try_lock().unwrap().is_none());
    let other = Store::new(&store.state, "acme");
    assert!(other.try_lock().unwrap().is_some(), "another account has its own");
    drop(lock);
    assert!(store.try_lock().unwrap().is_some());
}

#[test]
fn what_others_can_read_is_refused_and_never_repeated() {
    let (_folder, store) = place();
    store.try_lock().unwrap().unwrap().write(&stored("hunter2-token")).unwrap();
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(store.path(), Permissions::from_mode(mode)).unwrap();
        let error = store.read().unwrap_err();
        assert!(matches!(error, StoreError::Open { mode: seen, .. } if seen == mode), "{error}");
        assert!(error.to_string().contains("chmod 600") && !format!("{error:?}{error}").contains("hunter2"));
    }
}

#[test]
fn a_file_that_is_not_ours_is_told_where_it_is_wrong_and_never_repeated() {
    let (_folder, store) = place();
    let lock = store.try_lock().unwrap().unwrap();
    lock.write(&stored("hunter2-token")).unwrap();
    let text = std::fs::read_to_string(store.path()).unwrap();
    for (wrong, why) in [
        (String::new(), "line 1"),
        (text.replace("\"version\": 1", "\"version\": 2"), "another version"),
        (text.replace("\"login\"", "\"logon\""), "is not as it was written"),
        (text[..text.len() / 2].to_owned(), "is not as it was written"),
        ("x".repeat(70_000), "no small file"),
    ] {
        std::fs::write(store.path(), wrong).unwrap();
        let error = store.read().unwrap_err();
        assert!(error.to_string().contains(why) && !format!("{error:?}{error}").contains("hunter2"), "{error}");
    }
    lock.write(&stored("anew")).unwrap();
    assert_eq!(store.read().unwrap(), Some(stored("anew")), "a login replaces it");
}

#[test]
fn half_a_file_of_a_crash_is_no_hindrance() {
    let (_folder, store) = place();
    let lock = store.try_lock().unwrap().unwrap();
    let left = store.folder().join("main.new");
    std::fs::write(&left, "half").unwrap();
    std::fs::set_permissions(&left, Permissions::from_mode(0o666)).unwrap();
    lock.write(&stored("whole")).unwrap();
    assert_eq!((store.read().unwrap(), mode(&store.path())), (Some(stored("whole")), 0o600));
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let store = Store::new(Path::new("/state"), "../../etc/x");
    assert_eq!(store.path(), Path::new("/state/sign-in/______etc_x.json"));
}

#[test]
fn a_token_is_not_printed() {
    assert!(!format!("{:?}", stored("hunter2")).contains("hunter2"));
}

#[test]
fn what_root_makes_belongs_to_the_owner_of_the_state_folder() {
    let (_folder, store) = place();
    if us() != 0 {
        return;
    }
    std::fs::create_dir(&store.state).unwrap();
    std::os::unix::fs::chown(&store.state, Some(12_345), Some(12_346)).unwrap();
    store.try_lock().unwrap().unwrap().write(&stored("given")).unwrap();
    for path in [store.folder(), store.path(), store.folder().join("main.lock")] {
        let about = std::fs::metadata(&path).unwrap();
        assert_eq!((about.uid(), about.gid()), (12_345, 12_346), "{}", path.display());
    }
}

#[test]
fn no_link_in_the_folder_is_followed() {
    let (folder, store) = place();
    drop(store.try_lock().unwrap().unwrap());
    let victim = folder.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    std::fs::set_permissions(&victim, Permissions::from_mode(0o600)).unwrap();
    let lock = store.folder().join("main.lock");
    std::fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink(&victim, &lock).unwrap();
    assert!(store.try_lock().is_err(), "a link");
    std::fs::remove_file(&lock).unwrap();
    std::fs::hard_link(&victim, &lock).unwrap();
    assert!(store.try_lock().is_err(), "another name");
    std::fs::remove_file(&lock).unwrap();
    // What is to be written goes beside, and a link in its way is removed.
    std::os::unix::fs::symlink(&victim, store.folder().join("main.new")).unwrap();
    std::os::unix::fs::symlink(&victim, store.path()).unwrap();
    assert!(store.read().is_err());
    store.try_lock().unwrap().unwrap().write(&stored("token")).unwrap();
    assert_eq!(store.read().unwrap(), Some(stored("token")));
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    // Nor is the folder itself a link.
    std::fs::rename(store.folder(), folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), store.folder()).unwrap();
    assert!(store.read().is_err() && store.try_lock().is_err());
}

#[test]
fn a_logout_leaves_nothing_of_a_crash() {
    let (_folder, store) = place();
    let lock = store.try_lock().unwrap().unwrap();
    let left = store.folder().join("main.new");
    std::fs::write(&left, "half a token").unwrap();
    assert!(lock.remove().unwrap() && !left.exists() && !lock.remove().unwrap());
}
