//! The folders in which something could change what a path leads to.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// More links than any system follows.
const MOST_LINKS: usize = 40;

/// Adds the folder that the path's last part is in, those of links on its way, and where it does not lead on, the folder
/// in which it ends.
pub(super) fn follow(path: &Path, folders: &mut BTreeSet<PathBuf>) {
    let Ok(path) = std::path::absolute(path) else { return };
    let (mut here, mut links) = (PathBuf::from("/"), 0);
    let mut parts = parts(&path);
    while let Some(part) = parts.pop_front() {
        if part == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&part);
        match std::fs::symlink_metadata(&next) {
            Ok(metadata) if metadata.is_symlink() && links < MOST_LINKS => {
                links += 1;
                folders.insert(here.clone());
                let Ok(target) = std::fs::read_link(&next) else { return };
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                for part in self::parts(&target).into_iter().rev() {
                    parts.push_front(part);
                }
            }
            Ok(metadata) if !metadata.is_symlink() && !parts.is_empty() => here = next,
            _ => {
                folders.insert(here);
                return;
            }
        }
    }
}

/// The names in a path, and `..`.
fn parts(path: &Path) -> VecDeque<OsString> {
    let part = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(part).collect()
}

/// The folders in which a file could appear that matches the pattern.
pub(super) fn of_pattern(pattern: &str, folders: &mut BTreeSet<PathBuf>) {
    let path = Path::new(pattern);
    // From the pattern of all folders that matter up to the first that is no pattern.
    for parent in path.ancestors().skip(1) {
        let Some(parent) = parent.to_str() else { continue };
        let found = glob::glob(parent).into_iter().flatten().filter_map(Result::ok);
        for folder in found.filter(|folder| folder.is_dir()) {
            follow(&folder.join("*"), folders);
        }
        if glob::Pattern::escape(parent) == parent {
            // It need not be there yet.
            follow(&Path::new(parent).join("*"), folders);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn trail(path: &Path) -> Vec<PathBuf> {
        let mut folders = BTreeSet::new();
        follow(path, &mut folders);
        folders.into_iter().collect()
    }

    #[test]
    fn a_file_is_in_its_folder_and_one_behind_links_in_all_of_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["etc", "store/1"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        std::fs::write(root.join("store/1/a"), "").unwrap();
        assert_eq!(trail(&root.join("store/1/a")), [root.join("store/1")]);
        // As Kubernetes lays a ConfigMap out: `a` leads to `..data/a`, and `..data` to a folder.
        symlink("../store/1", root.join("etc/..data")).unwrap();
        symlink("..data/a", root.join("etc/a")).unwrap();
        assert_eq!(trail(&root.join("etc/a")), [root.join("etc"), root.join("store/1")]);
    }

    #[test]
    fn what_is_not_there_is_awaited_where_it_would_appear() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        assert_eq!(trail(&root.join("not/yet/a")), std::slice::from_ref(&root));
        symlink("loop", root.join("loop")).unwrap();
        assert_eq!(trail(&root.join("loop/a")), [root]);
    }

    #[test]
    fn a_pattern_is_awaited_in_every_folder_that_it_may_match_in() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("teams/a")).unwrap();
        let mut folders = BTreeSet::new();
        of_pattern(&root.join("teams/*/*.yaml").to_string_lossy(), &mut folders);
        assert_eq!(folders.into_iter().collect::<Vec<_>>(), [root.join("teams"), root.join("teams/a")]);
    }
}
