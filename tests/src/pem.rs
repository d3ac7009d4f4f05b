//! Certificates and keys as files.

use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use tempfile::TempDir;

/// A folder of them.
#[derive(Debug)]
pub struct Pem(TempDir);

impl Default for Pem {
    fn default() -> Self {
        Self::new()
    }
}

impl Pem {
    /// An empty folder.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Where a file of it is.
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// Writes `file.pem` and `file.key`: a certificate that vouches for itself, its subject being `subject`.
    pub fn write(&self, file: &str, subject: &str, names: &[&str]) {
        self.write_until(file, subject, names, 2999);
    }

    /// The same, valid to the end of a year.
    pub fn write_until(&self, file: &str, subject: &str, names: &[&str], year: i32) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, subject);
        params.not_after = date_time_ymd(year, 12, 31);
        let key = KeyPair::generate().unwrap();
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
        std::fs::write(self.path(&format!("{file}.pem")), params.self_signed(&key).unwrap().pem()).unwrap();
    }

    /// The listener's keys for these certificates, the first being the default.
    pub fn listener(&self, files: &[&str]) -> String {
        let pair = |file: &&str| {
            let path = |ending: &str| Path::display(&self.path(&format!("{file}.{ending}"))).to_string();
            format!("{{ cert: \"{}\", key: \"{}\" }}", path("pem"), path("key"))
        };
        format!("tls: {{ certificates: [{}] }}", files.iter().map(pair).collect::<Vec<_>>().join(", "))
    }
}
