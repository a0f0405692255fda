//! Counts covered lines from raw LLVM profiles and the instrumented objects that wrote them.
//!
//! Usage: `read-profiles ROOT PROFILES OBJECT...` prints `path<TAB>covered<TAB>lines<TAB>uncovered` for every source file
//! below `ROOT`. Lines inside `#[cfg(test)]` items do not count. It must not know what is enough: that is
//! `scripts/measure_coverage.py`'s affair.

use std::{collections::BTreeMap, env, fs, path::Path, path::PathBuf};

use anyhow::{Context, Result};
use llvm_profparser::{CoverageMapping, CoverageResult, coverage::SourceLocation, merge_profiles};

/// Executions of a line, or nothing for a line without code.
type Lines = BTreeMap<usize, usize>;

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1).map(PathBuf::from);
    let (root, profiles) = arguments
        .next()
        .zip(arguments.next())
        .context("usage: read-profiles ROOT PROFILES OBJECT...")?;
    let objects: Vec<PathBuf> = arguments.collect();
    let mut raw: Vec<PathBuf> = fs::read_dir(&profiles)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    raw.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "profraw")
            && !is_empty(path)
    });
    let profile = merge_profiles(&raw)?;
    let report = CoverageMapping::new(&objects, &profile, false)?.generate_subreport(|paths| {
        paths
            .iter()
            .any(|path| path.starts_with(&root) && path.is_file())
    })?;
    for (path, result) in report
        .files
        .iter()
        .filter(|(path, _)| path.starts_with(&root) && path.is_file())
    {
        let source = fs::read_to_string(path)?;
        let tests = test_lines(&source);
        let mut lines = file_lines(result);
        lines.retain(|line, _| {
            !tests
                .iter()
                .any(|(first, last)| (first..=last).contains(&line))
        });
        let covered = lines.values().filter(|&&count| count > 0).count();
        println!(
            "{}\t{covered}\t{}\t{}",
            path.display(),
            lines.len(),
            uncovered(&lines)
        );
    }
    Ok(())
}

/// A process that was killed before it wrote anything leaves an empty file.
fn is_empty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() == 0)
}

/// A line is covered when any function that has code on it executed it there.
fn file_lines(result: &CoverageResult) -> Lines {
    let mut lines = Lines::new();
    for regions in result.hits_by_function.values() {
        for (line, count) in function_lines(regions) {
            lines
                .entry(line)
                .and_modify(|known| *known = count.max(*known))
                .or_insert(count);
        }
    }
    lines
}

/// As LLVM counts: the greatest of the regions that start on the line and the innermost one that was open before it.
fn function_lines(regions: &BTreeMap<SourceLocation, usize>) -> Lines {
    let mut lines = Lines::new();
    let Some(first) = regions.keys().map(|region| region.line_start).min() else {
        return lines;
    };
    let last = regions
        .keys()
        .map(|region| region.line_end)
        .max()
        .unwrap_or(first);
    for line in first..=last {
        let open = regions
            .iter()
            .rfind(|(region, _)| region.line_start < line && region.line_end >= line);
        let starting = regions
            .iter()
            .filter(|(region, _)| region.line_start == line);
        if let Some(count) = starting
            .chain(open)
            .map(|(_, &count)| executions(count))
            .max()
        {
            lines.insert(line, count);
        }
    }
    lines
}

/// Counters that race between threads can make a difference slightly negative: that is zero, not a huge number.
fn executions(count: usize) -> usize {
    if count > usize::MAX / 4 { 0 } else { count }
}

/// First and last lines of the items under `#[cfg(test)]`, found by the indentation that rustfmt guarantees.
fn test_lines(source: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = source.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().starts_with("#[cfg(test)]") {
            let closes = |candidate: &&str| {
                candidate.starts_with(&format!("{}}}", &line[..indent]))
                    || (candidate.len() > indent
                        && candidate.ends_with(';')
                        && !candidate[indent..].starts_with(' '))
            };
            let length = lines[index..].iter().position(closes).unwrap_or(0);
            found.push((index + 1, index + 1 + length));
        }
    }
    found
}

/// The uncovered lines as ranges: `3, 7-9`.
fn uncovered(lines: &Lines) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for (&line, _) in lines.iter().filter(|&(_, &count)| count == 0) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => ranges.push((line, line)),
        }
    }
    let shown: Vec<String> = ranges
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    shown.join(", ")
}
